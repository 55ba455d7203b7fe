//go:build !unix

package main

import (
	"os"
	"os/exec"
)

// Without process groups a test cluster does not run either.
func ownGroup(*exec.Cmd) {}

func signalGroup(cmd *exec.Cmd, _ os.Signal) { _ = cmd.Process.Kill() }
