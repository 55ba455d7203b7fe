//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup makes go test and all that it starts a process group of their own.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// signalGroup passes a signal on to all of them.
func signalGroup(cmd *exec.Cmd, s os.Signal) {
	if number, ok := s.(syscall.Signal); ok {
		_ = syscall.Kill(-cmd.Process.Pid, number) // they may be gone
	}
}
