package testcluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// Background is the mark of a cluster that outlives the command that started it: a folder of the cache,
// one for each kind, whose file "state" the cluster's process keeps locked.
type Background struct {
	dir   string
	file  *os.File
	state backgroundState
}

type backgroundState struct {
	Pid        int
	Args       []string // that asked for it
	Kubeconfig string   `json:",omitempty"` // once it is ready
}

func backgroundDir(kind Kind) (string, error) {
	cache, err := cacheDir()
	return filepath.Join(cache, "up", string(kind)), err
}

// EnterBackground marks this process as the one of a cluster in the background.
func EnterBackground(kind Kind, args []string) (*Background, error) {
	dir, err := backgroundDir(kind)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, "state"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if !tryLock(file) {
		return nil, errors.Join(fmt.Errorf("a %s cluster runs in the background already", kind), file.Close())
	}
	b := &Background{dir: dir, file: file, state: backgroundState{Pid: os.Getpid(), Args: args}}
	return b, b.write()
}

func (b *Background) write() error {
	data, err := json.Marshal(b.state)
	if err != nil {
		return err
	}
	if err := b.file.Truncate(0); err != nil {
		return err
	}
	_, err = b.file.WriteAt(data, 0)
	return err
}

// Ready tells whoever waits for the cluster that it may be used.
func (b *Background) Ready(kubeconfig string) error {
	b.state.Kubeconfig = kubeconfig
	return b.write()
}

// Leave removes the mark, and the log.
func (b *Background) Leave() {
	_ = os.RemoveAll(b.dir)
	_ = os.Remove(filepath.Dir(b.dir)) // unless another kind has its mark there
	_ = b.file.Close()
}

// readBackground finds the cluster of a kind that runs in the background; nil where none does. What a
// killed one left is removed.
func readBackground(kind Kind) (*backgroundState, error) {
	dir, err := backgroundDir(kind)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, "state"), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if tryLock(file) {
		(&Background{dir: dir, file: file}).Leave()
		return nil, nil
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(file)
	if err != nil {
		return nil, err
	}
	state := &backgroundState{}
	_ = json.Unmarshal(data, state) // half of it may be written: it is not ready then
	return state, nil
}

// StartBackground runs this program with args in a process that stays, and returns the kubeconfig of the
// cluster that it starts. That process must call EnterBackground. Where one runs already that was asked
// for with the same args, it is that one's.
func StartBackground(ctx context.Context, kind Kind, args []string, log io.Writer) (string, error) {
	if unsupported != "" {
		return "", &UnavailableError{unsupported}
	}
	running, err := readBackground(kind)
	if err != nil {
		return "", err
	}
	if running != nil && len(running.Args) > 0 && !slices.Equal(running.Args, args) {
		return "", fmt.Errorf("a %s cluster runs in the background already, started with %q: stop it with 'down'", kind, running.Args)
	}
	dir, err := backgroundDir(kind)
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "log")
	ended := make(chan error, 1)
	stop := func() {}
	if running == nil {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return "", err
		}
		out, err := os.Create(file)
		if err != nil {
			return "", err
		}
		defer func() { _ = out.Close() }()
		program, err := os.Executable()
		if err != nil {
			return "", err
		}
		cmd := exec.Command(program, args...)
		cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = out, out, detachedAttr()
		if err := cmd.Start(); err != nil {
			return "", err
		}
		go func() {
			ended <- cmd.Wait()
			close(ended)
		}()
		stop = func() {
			if terminate(cmd.Process.Pid) == nil {
				for range ended { // closed once it has ended
				}
			}
		}
	} else {
		fmt.Fprintf(log, "a %s cluster runs in the background already\n", kind)
	}
	// What it says goes on to the log here, while somebody waits.
	said, err := os.Open(file)
	if err != nil {
		stop()
		return "", err
	}
	defer func() { _ = said.Close() }()
	for {
		if running == nil {
			_, _ = io.Copy(log, said)
		}
		state, err := readState(dir)
		if err == nil && state.Kubeconfig != "" {
			return state.Kubeconfig, nil
		}
		select {
		case err := <-ended:
			_, _ = io.Copy(log, said)
			_ = os.RemoveAll(dir)
			_ = os.Remove(filepath.Dir(dir))
			return "", fmt.Errorf("no %s cluster: it ended while starting: %w", kind, err)
		case <-ctx.Done():
			stop()
			return "", ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func readState(dir string) (backgroundState, error) {
	var state backgroundState
	data, err := os.ReadFile(filepath.Join(dir, "state"))
	if err != nil {
		return state, err
	}
	return state, json.Unmarshal(data, &state)
}

// StopBackground ends all clusters that run in the background, and removes what is left of any.
func StopBackground(ctx context.Context, log io.Writer) error {
	for _, kind := range Kinds {
		for said := false; ; said = true {
			running, err := readBackground(kind)
			if err != nil {
				return err
			}
			if running == nil {
				if said {
					fmt.Fprintf(log, "stopped the %s cluster\n", kind)
				}
				break
			}
			if !said && running.Pid > 0 {
				if err := terminate(running.Pid); err != nil {
					return fmt.Errorf("stopping the %s cluster, process %d: %w", kind, running.Pid, err)
				}
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	removed, err := Sweep()
	for _, dir := range removed {
		fmt.Fprintf(log, "removed %s\n", dir)
	}
	return err
}
