package report

import (
	"fmt"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// Waiver is a finding that somebody decided to live with, or a decision to look at again.
type Waiver struct {
	Rule        string        `json:"rule"`             // of the finding; where there is none, as it stands in the waiver
	Object      *snapshot.Ref `json:"object,omitempty"` // with the finding, or with the annotation
	For         string        `json:"for,omitempty"`    // which objects an exemption without findings speaks of
	Source      string        `json:"source"`           // annotation, config, or the tool whose annotation it is
	At          string        `json:"at,omitempty"`     // the file and line of the waiver
	Reason      string        `json:"reason,omitempty"`
	Until       string        `json:"until,omitempty"` // the last day; absent where there is no end
	State       string        `json:"state"`           // active | expired | unused | invalid | unknown
	Problem     string        `json:"problem,omitempty"`
	Severity    string        `json:"severity,omitempty"` // of the finding, as are Message and Fingerprint
	Message     string        `json:"message,omitempty"`
	Fingerprint string        `json:"fingerprint,omitempty"`
}

// Stale tells whether somebody should look at the waiver again.
func (w *Waiver) Stale() bool {
	return (&engine.Waiver{State: engine.WaiverState(w.State)}).Stale()
}

// Expired tells whether the waiver is over.
func (w *Waiver) Expired() bool { return w.State == string(engine.WaiverExpired) }

// Tool is the other tool whose annotation the waiver is; "" for one of our own.
func (w *Waiver) Tool() string {
	if w.Source == engine.FromAnnotation || w.Source == engine.FromConfig {
		return ""
	}
	return w.Source
}

// Waivers adds what somebody decided to live with: an entry for each finding that is waived, and one for each
// waiver without any. config is the name of the configuration.
func (b *Builder) Waivers(list []engine.Waiver, config string) {
	said := map[string]bool{} // by another waiver
	for i := range list {
		w := &list[i]
		entry := Waiver{Rule: w.Rule, For: w.For, Source: w.Source, At: b.waiverAt(w, config), Reason: w.Reason, Until: w.Until, State: string(w.State), Problem: w.Problem}
		if w.State != engine.WaiverActive {
			if w.Object != nil {
				ref := w.Object.Ref
				entry.Object = &ref
			}
			b.Report.Waivers = append(b.Report.Waivers, entry)
			continue
		}
		entry.For = ""
		for _, f := range w.Findings {
			out := b.finding(f)
			key := out.Fingerprint + out.Message
			if out.Position != nil {
				key += out.Position.File // two files may hold objects of one name
			}
			if said[key] {
				continue
			}
			said[key] = true
			ref := f.Object.In(f.Seen.Container)
			entry := entry
			entry.Rule, entry.Object, entry.Severity, entry.Message, entry.Fingerprint = f.Rule, &ref, out.Severity, f.Message, out.Fingerprint
			b.Report.Waivers = append(b.Report.Waivers, entry)
		}
	}
}

// waiverAt is where in the user's files a waiver stands.
func (b *Builder) waiverAt(w *engine.Waiver, config string) string {
	switch {
	case w.Source == engine.FromConfig:
		return fmt.Sprintf("%s:%d", config, w.Line)
	case w.Object == nil || w.Object.Origin == nil || w.Path == nil:
		return ""
	}
	doc, root := w.Object.Document()
	if doc == nil || doc.Name == "" {
		return ""
	}
	doc, at := w.Object.Origin.Place(append(append(source.Path{}, root...), source.ParsePath(w.Path.String())...))
	return fmt.Sprintf("%s:%d", doc.Name, doc.LocateKey(at).Line)
}

// Waived are the waivers of findings.
func (r *Report) Waived() []Waiver {
	return r.waivers(func(w *Waiver) bool { return w.State == string(engine.WaiverActive) })
}

// StaleWaivers are the waivers that somebody should look at again.
func (r *Report) StaleWaivers() []Waiver { return r.waivers((*Waiver).Stale) }

func (r *Report) waivers(keep func(*Waiver) bool) []Waiver {
	var list []Waiver
	for i := range r.Waivers {
		if keep(&r.Waivers[i]) {
			list = append(list, r.Waivers[i])
		}
	}
	return list
}
