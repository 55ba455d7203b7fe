package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// errBrokenOff is an answer that ended before its end. What came of it is used.
var errBrokenOff = errors.New("the answer broke off, and nothing is concluded from what it lacks")

// errNoObject is an answer that no API server gives to what was asked.
var errNoObject = errors.New("the answer is none of Kubernetes")

// errSilent stands for the answers that nobody waited for, since the server had stopped to answer.
var errSilent = fmt.Errorf("not asked any more, since the server did not answer before: %w", context.DeadlineExceeded)

// outcomeOf tells refused, absent, late and broken apart.
func outcomeOf(w snapshot.Want, err error, timeout time.Duration) snapshot.Outcome {
	blind := func(reason string) snapshot.Outcome {
		return snapshot.Outcome{State: snapshot.Blind, Reason: reason, Message: words(err, timeout)}
	}
	switch {
	case err == nil:
		return snapshot.Outcome{State: snapshot.Present, Proven: true}
	case w.Verb == snapshot.Get && namesAbsent(err, w.Name):
		return snapshot.Outcome{State: snapshot.Absent, Proven: true, Message: err.Error()}
	case apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err):
		return blind(snapshot.ReasonForbidden)
	case isLate(err):
		return blind(snapshot.ReasonTimeout)
	case meta.IsNoMatchError(err) || w.Verb != snapshot.Log && notServed(err):
		return blind(snapshot.ReasonUnknownKind)
	case w.Verb == snapshot.Log && !isTrouble(err):
		return blind(snapshot.ReasonUnavailable)
	}
	return blind(snapshot.ReasonFailed)
}

// namesAbsent tells whether a server says that the object of this name does not exist. A 404 that names
// nothing is of a proxy, or of a server without the kind.
func namesAbsent(err error, name string) bool {
	var status apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) {
		return false
	}
	d := status.Status().Details
	return d != nil && d.Name == name && !unexpected(status)
}

// unexpected tells whether client-go made up the status, since the answer held none.
func unexpected(status apierrors.APIStatus) bool {
	d := status.Status().Details
	return d != nil && slices.ContainsFunc(d.Causes, func(c metav1.StatusCause) bool { return c.Type == metav1.CauseTypeUnexpectedServerResponse })
}

// notServed tells whether a server answers that it has no such kind, or not in the version asked for.
func notServed(err error) bool {
	var status apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) {
		return false
	}
	d := status.Status().Details
	return d == nil || d.Name == "" || unexpected(status)
}

// isLate tells whether a read took too long.
func isLate(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() ||
		apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err)
}

// isTrouble tells whether nobody answered as an API server does, or it said that it cannot now.
func isTrouble(err error) bool {
	var lost *url.Error
	var page *noAPIError
	return errors.As(err, &lost) || errors.As(err, &page) || errors.Is(err, errBrokenOff) ||
		apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err)
}

// words says what went wrong, without what the want says already: many reads that failed for one
// reason are told with the same words.
func words(err error, timeout time.Duration) string {
	var status apierrors.APIStatus
	var lost *url.Error
	var page *noAPIError
	switch {
	case errors.Is(err, errSilent):
		return "not asked any more, since the server did not answer before"
	case errors.As(err, &status):
		// client-go ends the words of others with what was asked for: "(get pods)".
		text := err.Error()
		if d := status.Status().Details; d != nil && d.Kind != "" && strings.HasSuffix(text, ")") {
			if i := strings.LastIndex(text, " (get "+d.Kind); i > 0 {
				text = text[:i]
			}
		}
		return text
	case errors.As(err, &page):
		return page.what
	case isLate(err):
		return fmt.Sprintf("no answer within %s", timeout)
	case errors.As(err, &lost) && isEnd(lost.Err):
		return "the connection broke off"
	case errors.As(err, &lost):
		return lost.Err.Error()
	}
	return err.Error()
}

// broken turns the ways in which a body ends early into one.
func broken(err error) error {
	var lost *url.Error
	if err == nil || errors.As(err, &lost) || isLate(err) || errors.Is(err, errTooLong) || !isEnd(err) {
		return err
	}
	return errBrokenOff
}

// isEnd tells whether the connection or the stream in it ended where it should not. The errors of HTTP/2
// have no type that can be asked for.
func isEnd(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return true
	}
	text := err.Error()
	return strings.Contains(text, "stream error") || strings.Contains(text, "http2: ") || strings.Contains(text, "when reading response body")
}

// notKubernetes tells whether an error means that an answer is none of an API server: no JSON, or that of
// something else.
func notKubernetes(err error) bool {
	var syntax *json.SyntaxError
	if errors.Is(err, errNoObject) || errors.As(err, &syntax) || runtime.IsMissingKind(err) || runtime.IsMissingVersion(err) || runtime.IsNotRegisteredError(err) {
		return true
	}
	text := err.Error() // of client-go, where it has no type
	return strings.HasPrefix(text, "0-length response") || strings.HasPrefix(text, "serializer for ") || strings.HasPrefix(text, "unexpected object, expected ") || strings.HasPrefix(text, "object does not appear to match ")
}

// plain makes errors say who did not answer, or not as an API server does. Errors of an answer stay as
// they are.
func (c *Cluster) plain(err error) error {
	if err == nil {
		return nil
	}
	var all utilerrors.Aggregate
	if errors.As(err, &all) {
		list := make([]error, 0, len(all.Errors()))
		for _, e := range flatten(err) {
			list = append(list, c.plain(e))
		}
		return utilerrors.NewAggregate(list)
	}
	var lost *url.Error
	var page *noAPIError
	var status apierrors.APIStatus
	switch err = broken(err); {
	case errors.As(err, &page):
		return page
	case errors.As(err, &lost), errors.As(err, &status):
		return err
	case errors.Is(err, errSilent):
		return &url.Error{Op: "Get", URL: c.config.Host, Err: err}
	case isLate(err):
		return &url.Error{Op: "Get", URL: c.config.Host, Err: context.DeadlineExceeded}
	case notKubernetes(err):
		return &noAPIError{c.host(), "the answer is none of Kubernetes"}
	case errors.Is(err, errBrokenOff), errors.Is(err, errTooLong):
		return &url.Error{Op: "Get", URL: c.config.Host, Err: err}
	}
	return err
}

// host is how errors name the server.
func (c *Cluster) host() string {
	if u, err := url.Parse(c.config.Host); err == nil && u.Host != "" {
		return u.Host
	}
	return c.config.Host
}
