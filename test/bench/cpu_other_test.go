//go:build !unix

package bench

import (
	"testing"
	"time"
)

var started = time.Now()

// cpu is the time that has passed, where nothing tells what of it this process has used.
func cpu(*testing.B) time.Duration { return time.Since(started) }
