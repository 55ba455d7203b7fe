package testcluster

import (
	"os"
	"runtime"
	"syscall"
)

// unsupported says why no cluster can run on this system, "" where one can.
const unsupported = ""

// childAttr makes a process the head of its own group, which ends when this process ends, however
// that comes about.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// namespaceAttr is childAttr for process 1 of a node: what runs in its namespaces ends with it, and
// mounts and interfaces that were made there are gone.
func namespaceAttr() *syscall.SysProcAttr {
	attr := childAttr()
	attr.Cloneflags = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC
	return attr
}

// detachedAttr is a process that outlives this one, and hears nothing of its terminal.
func detachedAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func terminate(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) }

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

// tryLock takes an exclusive lock, which ends with the process at the latest.
func tryLock(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// spawner starts processes from a thread that lives as long as the process does: the kernel takes
// the end of the thread that started a process for the end of its parent.
func spawner() func(func() error) error {
	type job struct {
		start func() error
		done  chan error
	}
	jobs := make(chan job)
	go func() {
		runtime.LockOSThread()
		for j := range jobs {
			j.done <- j.start()
		}
	}()
	return func(start func() error) error {
		j := job{start, make(chan error, 1)}
		jobs <- j
		return <-j.done
	}
}
