package cmd

import (
	"context"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// lookEvery is how often --watch looks again. A look costs what one explain costs, about seven requests.
const lookEvery = 2 * time.Second

// follow looks at the targets again and again, prints what changed, and ends when they are well for long
// enough.
func (o *explainOptions) follow(ctx context.Context, selector labels.Selector) error {
	patient := ctx
	if o.timeout > 0 {
		var cancel context.CancelFunc
		patient, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	var last *report.Report
	var since time.Time // all is well since
	trouble := ""
	for {
		r, err := o.look(patient, selector)
		switch {
		case patient.Err() != nil:
		case err != nil && last == nil:
			return err
		case err != nil && o.replaced(err, last):
			since = time.Time{}
			continue
		case err != nil:
			if text := strings.Join(errorLines(err), "; "); text != trouble {
				trouble = text
				o.say("%s; trying again", text)
			}
			since = time.Time{}
		default:
			if trouble != "" {
				trouble = ""
				o.say("the server answers again")
			}
			if err := o.changes(last, r); err != nil {
				return err
			}
			last = r
			if !r.Well() {
				since = time.Time{}
			} else if since.IsZero() {
				since = time.Now()
			}
		}
		if !since.IsZero() && time.Since(since) >= o.healthyFor {
			o.say("healthy for %s", o.healthyFor)
			return nil
		}
		select {
		case <-patient.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			o.say("not healthy after %s", o.timeout)
			return exitError(1)
		case <-time.After(lookEvery):
		}
	}
}

// look explains the targets once.
func (o *explainOptions) look(ctx context.Context, selector labels.Selector) (*report.Report, error) {
	cluster, err := collect.NewCluster(o.configFlags, userAgent("explain"))
	if err != nil {
		return nil, err
	}
	if !o.allNamespaces {
		if o.namespace, err = cluster.Namespace(); err != nil {
			return nil, err
		}
	}
	s := cluster.NewSnapshot()
	targets, err := cluster.Targets(ctx, s, o.namespace, selector, o.args)
	if err != nil {
		return nil, err
	}
	o.moved = func(targets []snapshot.Ref) bool { return cluster.Moved(ctx, s, targets) }
	return o.judge(ctx, s, cluster, targets, nil)
}

// replaced goes on with the controller of a pod that is gone: a changed template makes new pods.
func (o *explainOptions) replaced(err error, last *report.Report) bool {
	if !collect.IsNotFound(err) || len(o.args) != 1 || len(last.Explained) != 1 {
		return false
	}
	e := &last.Explained[0]
	if e.Object.GroupKind() != snapshot.PodKind || e.Controller == nil {
		return false
	}
	o.args = []string{e.Controller.String()}
	o.say("%s is gone: looking at %s", e.Object.String(), e.Controller.String())
	e.Object = *e.Controller // what is said of it from now on is compared with what was said of its pod
	return true
}

// changes prints the first report as a whole, and of later ones what is different.
func (o *explainOptions) changes(last, r *report.Report) error {
	switch {
	case last == nil:
		return o.write(r)
	case !report.Differ(last, r):
		return nil
	case !o.print.isText():
		return o.print.print(o.Out, r)
	}
	r.At = metav1.NewTime(r.At.Local())
	return render.Changes(o.Out, last, r, o.theme())
}

// say prints a line of the watch's own; formats for machines go without.
func (o *explainOptions) say(format string, args ...any) {
	w := o.Out
	if !o.print.isText() {
		w = o.ErrOut
	}
	_, _ = fmt.Fprintf(w, "%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}
