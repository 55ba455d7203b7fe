package cmd

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
)

// The exit codes, in order of precedence.
const (
	exitInterrupted  = 130
	exitUsage        = 2
	exitFindings     = 1
	exitNotEvaluated = 3
)

// usageError is a mistake in the command line; it is printed with a pointer to the help.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitError ends the command with a code and prints nothing: the output said it all.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func printError(w io.Writer, root *cobra.Command, err error) int {
	var code exitError
	if errors.As(err, &code) {
		return int(code)
	}
	var usage usageError
	isUsage := errors.As(err, &usage)
	for _, line := range errorLines(err) {
		fmt.Fprintln(w, line)
	}
	if isUsage {
		name := root.CommandPath()
		if c, _, findErr := root.Find(os.Args[1:]); findErr == nil && c != nil {
			name = c.CommandPath()
		}
		fmt.Fprintf(w, "See '%s -h' for help and examples\n", name)
	}
	return exitUsage
}

// errorLines words an error as kubectl does, one line for each error that it holds.
func errorLines(err error) []string {
	var agg utilerrors.Aggregate
	if errors.As(err, &agg) {
		var lines []string
		for _, e := range utilerrors.Flatten(agg).Errors() {
			lines = append(lines, errorLines(e)...)
		}
		return lines
	}
	return []string{oneLine(errorText(err))}
}

func errorText(err error) string {
	var worded interface{ Worded() bool }
	if errors.As(err, &worded) {
		if own, ok := worded.(error); ok { // client-go may have wrapped it into the request's address
			return own.Error()
		}
	}
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		s := status.Status()
		switch s.Reason {
		case "":
			return fmt.Sprintf("Error from server: %s", err)
		case metav1.StatusReasonUnauthorized:
			return fmt.Sprintf("error: You must be logged in to the server (%s)", s.Message)
		}
		return fmt.Sprintf("Error from server (%s): %s", s.Reason, err)
	}
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		host := urlErr.URL
		if u, parseErr := url.Parse(urlErr.URL); parseErr == nil && u.Host != "" {
			host = u.Host
		}
		switch {
		case strings.Contains(urlErr.Err.Error(), "connection refused"):
			return fmt.Sprintf("The connection to the server %s was refused - did you specify the right host or port?", host)
		case urlErr.Timeout():
			return fmt.Sprintf("Unable to connect to the server: %s did not answer in time; raise --request-timeout or check the network", host)
		}
		return fmt.Sprintf("Unable to connect to the server: %s", urlErr.Err)
	}
	text := err.Error()
	if before, after, ok := strings.Cut(text, "\n\nDid you mean this?\n"); ok { // cobra's, on three lines
		text = before + "; did you mean " + strings.Join(strings.Fields(after), " or ") + "?"
	}
	if strings.HasPrefix(text, "error: ") {
		return text
	}
	return "error: " + text
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
