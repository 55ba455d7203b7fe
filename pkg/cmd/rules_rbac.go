package cmd

import (
	"slices"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/model"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/render"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
)

// role prints the role of whoever may read what the rules ask for.
func (o *rulesOptions) role() error {
	m, err := model.Default()
	if err != nil {
		return err
	}
	return render.Reader(o.Out, report.NewReader(report.ReaderInput{
		Checks: o.checks, Causes: o.causes, Model: m,
		Kinds: slices.Concat(collect.ReadKinds(), model.StandardKinds()),
		Own:   collect.Own, Resource: collect.Resource,
	}))
}
