package acceptance

import (
	"errors"
	"os/exec"
	"strconv"
)

// exitCode is the code that a command ended with, as text.
func exitCode(err error) string {
	var e *exec.ExitError
	if errors.As(err, &e) {
		return strconv.Itoa(e.ExitCode())
	}
	return err.Error()
}
