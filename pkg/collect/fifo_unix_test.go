//go:build unix

package collect

import "syscall"

func mkfifo(name string) error { return syscall.Mkfifo(name, 0o600) }
