// Package collect answers wants: it fills a snapshot from a cluster, from manifests or from a
// snapshot folder. It is the only package that waits for anything.
package collect

import (
	"context"
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Fetcher answers wants into a snapshot. What becomes of each want is recorded there; an error is
// returned only where nothing more can be read.
type Fetcher interface {
	Fetch(ctx context.Context, s *snapshot.Snapshot, wants []snapshot.Want) error
}

// maxRounds bounds how often rules may ask for more after they saw what they asked for.
const maxRounds = 5

// Loop reads what next wants until it wants nothing new.
func Loop(ctx context.Context, f Fetcher, s *snapshot.Snapshot, next func() []snapshot.Want) error {
	for range maxRounds {
		wants := next()
		if len(wants) == 0 {
			return nil
		}
		if err := f.Fetch(ctx, s, wants); err != nil {
			return err
		}
	}
	for _, w := range next() {
		s.SetOutcome(w, snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonUnread, Message: "asked for too late"})
	}
	return nil
}

// Problem is a part of the input that could not be used. The rest is.
type Problem struct {
	File    string // with line and column where they are known: deploy.yaml:12:3
	Reason  string // broken | unknown version | unknown kind | not read
	Message string
	Fatal   bool
}

// Error words the problem for one line.
func (p Problem) Error() string { return fmt.Sprintf("%s: %s", p.File, p.Message) }
