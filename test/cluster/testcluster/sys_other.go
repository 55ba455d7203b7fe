//go:build !linux

package testcluster

import (
	"context"
	"errors"
	"os"
	"syscall"
)

// unsupported says why no cluster can run on this system: nothing here would end its processes when
// a test is killed.
const unsupported = "a test cluster needs Linux"

func childAttr() *syscall.SysProcAttr { return nil }

func detachedAttr() *syscall.SysProcAttr { return nil }

func terminate(int) error { return errors.New(unsupported) }

func killGroup(int) {}

func tryLock(*os.File) bool { return true }

func spawner() func(func() error) error { return func(start func() error) error { return start() } }

func nodeUnavailable() string { return unsupported }

type node struct{}

func (c *Cluster) startNode(context.Context) error { return errors.New(unsupported) }

func (c *Cluster) joinNode(context.Context) error { return errors.New(unsupported) }

func (n *node) remove() {}

func (n *node) unlock() {}

func removeCgroups(string) {}
