package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// The most that one answer may hold. A body that does not end would take the machine's memory: etcd
// keeps no object above 1.5 MB, and a list of 100,000 pods has less than 1 GiB.
const (
	maxList   = 1 << 30
	maxObject = 64 << 20
)

// noAPIError says that what answered is no API server of Kubernetes: its answer is not even taken
// for one that failed.
type noAPIError struct{ host, what string }

func (e *noAPIError) Error() string {
	return fmt.Sprintf("Unable to connect to the server: %s: %s; log in again, or correct the server's address in the kubeconfig", e.host, e.what)
}

// Worded tells printers that the text is as it must be printed.
func (e *noAPIError) Worded() bool { return true }

// sane is a transport that lets no answer through which clients would misread: a proxy's web page, a
// redirect to where one logs in, a body without an end, a request to come back after the command's end.
type sane struct {
	next    http.RoundTripper
	timeout time.Duration // of one read

	// A server that hung when it was asked what kinds there are is not asked that again: client-go would
	// wait four times for it.
	unknown *atomic.Bool
}

// RoundTrip implements http.RoundTripper.
func (t *sane) RoundTrip(req *http.Request) (*http.Response, error) {
	discovers := isDiscovery(req.URL.Path)
	if discovers && t.unknown.Load() {
		return nil, context.DeadlineExceeded
	}
	start := time.Now()
	late := func() {
		if discovers && time.Since(start) >= t.timeout {
			t.unknown.Store(true)
		}
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		late()
		return nil, err
	}
	if to := elsewhere(req, resp); to != "" {
		_ = resp.Body.Close()
		return nil, &noAPIError{req.URL.Host, "the answer is a redirect to " + to}
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch page := media == "text/html"; {
	case page && resp.StatusCode < http.StatusMultipleChoices:
		_ = resp.Body.Close()
		return nil, &noAPIError{req.URL.Host, "the answer is a web page"}
	case page: // client-go would print the page
		_ = resp.Body.Close()
		text := strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
		resp.Header.Set("Content-Type", "text/plain")
		resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	}
	if wait := resp.Header.Get("Retry-After"); wait != "" && !t.worthWaiting(req.Context(), wait) {
		resp.Header.Del("Retry-After") // what the server said is told at once, instead of a time-out later
	}
	most := int64(maxObject)
	if isList(req.URL.Path) {
		most = maxList
	}
	resp.Body = &bounded{ReadCloser: resp.Body, left: most}
	if isList(req.URL.Path) || strings.HasSuffix(req.URL.Path, "/log") {
		return resp, nil
	}
	// What is short is read here: client-go logs a body that breaks, and words it as no other error.
	data, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		late()
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	return resp, nil
}

// elsewhere is the host that an answer redirects to, where that is another one.
func elsewhere(req *http.Request, resp *http.Response) string {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if to, err := resp.Location(); err == nil && to.Hostname() != req.URL.Hostname() {
			return to.Host
		}
	}
	return ""
}

// worthWaiting tells whether a read that waits as long as the server asks has time left for an answer.
// Where nobody bounds the read in all, client-go waits up to ten times.
func (t *sane) worthWaiting(ctx context.Context, retryAfter string) bool {
	const retries = 10
	seconds, err := strconv.Atoi(retryAfter)
	if err != nil {
		return false
	}
	wait := time.Duration(seconds) * time.Second
	if end, ok := ctx.Deadline(); ok {
		return wait < time.Until(end)
	}
	return wait*retries <= t.timeout
}

// isDiscovery tells whether a path asks what kinds there are.
func isDiscovery(path string) bool {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	return parts[0] == "api" && len(parts) <= 2 || parts[0] == "apis" && len(parts) <= 3
}

// isList tells whether a path of the API names all objects of a resource.
func isList(path string) bool {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	at := 2
	if parts[0] == "apis" {
		at = 3
	}
	if len(parts) > at+2 && parts[at] == "namespaces" {
		at += 2
	}
	return len(parts) == at+1
}

// errTooLong is what the end of a body without end is replaced by.
var errTooLong = errors.New("the answer is longer than any that Kubernetes gives")

// bounded ends a body with an error where it is longer than it may be.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		if n, err := b.ReadCloser.Read(p[:min(len(p), 1)]); n == 0 {
			return 0, err
		}
		return 0, errTooLong
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
