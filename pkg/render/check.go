package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// Check prints what check found, for a person: what is broken now, then settings by object, worst
// first, then how many verdicts there were.
func Check(w io.Writer, r *report.Report, t *Theme, wide bool) error {
	p := &writer{w: w, t: t, at: r.At.Time}
	var broken []*report.Finding
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Dimension == "" {
			broken = append(broken, f)
		}
	}
	settings := unsaid(r.Settings(), broken)
	other := p.unreadable(r)
	p.broken(r, broken)
	each, small, many := settings, []*report.Listed(nil), [][]*report.Listed(nil)
	if !wide {
		each, small = apart(settings)
		each, many = repeated(each)
	}
	p.settings(each, wide)
	p.repeated(many)
	p.small(small)
	if wide {
		p.unresolved(r)
		p.waivers(r)
	}
	roots, _ := consequences(broken)
	p.summary(r, len(roots), len(settings), wide)
	p.livingWith(r, wide)
	if len(p.top) > 0 {
		p.line("%s", t.doubt.Sprint(p.missing()+": see the top"))
	}
	p.notEvaluated(other, r.Live, wide)
	return p.err
}

// unreadable prints first what of the input could not be read: other findings may only follow from
// its absence. The rest is left for the end.
func (p *writer) unreadable(r *report.Report) (other []report.NotEvaluated) {
	for _, n := range r.NotEvaluated {
		if n.Fatal && (n.File != "" || isRead(n)) {
			p.top = append(p.top, n)
		} else {
			other = append(other, n)
		}
	}
	if len(p.top) > 0 {
		p.line("%s", p.t.failure.Sprint("not read, and so not judged"))
		p.entries(p.top, r.Live, true)
		p.line("")
	}
	return other
}

// broken prints what is broken now, one line each with the command that tells more.
func (p *writer) broken(r *report.Report, findings []*report.Finding) {
	if len(findings) == 0 {
		return
	}
	roots, follows := consequences(findings)
	p.line("%s", p.t.strong.Sprintf("broken now: %d", len(roots)))
	for n, f := range roots {
		ref := f.Object
		if f.Object.Kind == "" {
			ref = f.Seen
		}
		mark := p.t.failure.Sprint(p.t.bad)
		if f.Certainty == string(rule.Possible) {
			mark = p.t.doubt.Sprint(p.t.unsure)
		}
		text := where(ref, true) + ": " + f.Message
		if f.Count > 1 {
			text += fmt.Sprintf(" (%d pods)", f.Count)
		}
		text += "  (" + f.Certainty + ", " + f.Rule + ")"
		for i, l := range wrap(clean(text), p.prose(4)) {
			if i == 0 {
				p.line("  %s %s", mark, l)
			} else {
				p.line("    %s", l)
			}
		}
		p.line("    %s", p.t.faint.Sprint(clean(explainCommand(r, ref))))
		for _, c := range follows[n] {
			at := c.Object
			if at.Kind == "" {
				at = c.Seen
			}
			for i, l := range wrap(clean("so "+where(at, true)+": "+c.Message), p.prose(6)) {
				indent := "    "
				if i > 0 {
					indent = "      "
				}
				p.line("%s%s", indent, l)
			}
		}
	}
	p.line("")
}

// consequences sets apart the findings that another one explains; follows holds them by the index
// of that one in roots.
func consequences(findings []*report.Finding) (roots []*report.Finding, follows map[int][]*report.Finding) {
	follows = map[int][]*report.Finding{}
	explains := func(f, g *report.Finding) bool {
		if g.Because == nil || f.Fingerprint == g.Fingerprint {
			return false
		}
		if f.Seen.Same(*g.Because) || f.Object.Same(*g.Because) {
			return true
		}
		return slices.ContainsFunc(f.Pods, g.Because.Same)
	}
	explained := make([]bool, len(findings))
	for i, g := range findings {
		explained[i] = slices.ContainsFunc(findings, func(f *report.Finding) bool { return f.Because == nil && explains(f, g) })
	}
	for i, f := range findings {
		if explained[i] {
			continue
		}
		for j, g := range findings {
			if explained[j] && explains(f, g) {
				follows[len(roots)] = append(follows[len(roots)], g)
			}
		}
		roots = append(roots, f)
	}
	return roots, follows
}

// unsaid leaves out settings that what is broken now has named already.
func unsaid(settings []*report.Listed, broken []*report.Finding) []*report.Listed {
	type place struct {
		object snapshot.Ref
		field  string
	}
	said := map[place]bool{}
	for _, f := range broken {
		if f.Field != "" {
			said[place{f.Object.Key(), f.Field}] = true
		}
	}
	if len(said) == 0 {
		return settings
	}
	return slices.DeleteFunc(settings, func(f *report.Listed) bool { return said[place{f.Object().Key(), f.Field()}] })
}

// often is on how many objects a finding must be to be said once for all of them.
const often = 3

// repeated takes out findings that the same rule has on many objects.
func repeated(findings []*report.Listed) (each []*report.Listed, many [][]*report.Listed) {
	objects := map[[2]string][]objectKey{} // the first so many
	same := func(f *report.Listed) [2]string { return [2]string{f.Rule(), f.Severity()} }
	for _, f := range findings {
		if on := objects[same(f)]; len(on) < often && !slices.Contains(on, keyOf(f)) {
			objects[same(f)] = append(on, keyOf(f))
		}
	}
	at := map[[2]string]int{}
	for _, f := range findings {
		key := same(f)
		if len(objects[key]) < often {
			each = append(each, f)
			continue
		}
		i, ok := at[key]
		if !ok {
			i = len(many)
			at[key] = i
			many = append(many, nil)
		}
		many[i] = append(many[i], f)
	}
	return each, many
}

// few is how many findings of low severity are printed like the others.
const few = 5

// apart takes out what costs money or time and breaks nothing, where there is much of it, and what only informs.
func apart(findings []*report.Listed) (each, small []*report.Listed) {
	low := 0
	for _, f := range findings {
		if f.Severity() == string(rule.Low) {
			low++
		}
	}
	for _, f := range findings {
		if f.Severity() == string(rule.Info) || f.Severity() == string(rule.Low) && low > few {
			small = append(small, f)
		} else {
			each = append(each, f)
		}
	}
	return each, small
}

func them(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// small says what a rule of low severity finds in one line for all objects, and counts what only informs.
func (p *writer) small(findings []*report.Listed) {
	byRule := map[string][]*report.Listed{}
	var rules []string
	infos := 0
	for _, f := range findings {
		if f.Severity() == string(rule.Info) {
			infos++
			continue
		}
		if byRule[f.Rule()] == nil {
			rules = append(rules, f.Rule())
		}
		byRule[f.Rule()] = append(byRule[f.Rule()], f)
	}
	switch {
	case len(findings) == 0:
		return
	case len(rules) == 0:
		p.line("%s", p.t.faint.Sprint(rule.Count(infos, "finding")+" of severity info: -o wide has "+them(infos)))
		p.line("")
		return
	}
	p.line("%s", p.t.strong.Sprint("of low severity")+p.t.faint.Sprint("  -o wide has places and fixes"))
	slices.SortStableFunc(rules, func(a, b string) int { return len(byRule[b]) - len(byRule[a]) })
	objects := map[objectKey]bool{}
	for _, id := range rules {
		list := byRule[id]
		clear(objects)
		for _, f := range list {
			objects[keyOf(f)] = true
		}
		on := rule.Count(len(objects), "object")
		if len(objects) == 1 {
			on = where(list[0].Object(), true)
		}
		text := fmt.Sprintf("%s, on %s", list[0].Title(), on)
		lines := wrap(clean(text), p.prose(2))
		last := len(lines) - 1
		if p.t.Width > 0 && 4+cells(lines[last])+cells(id) > p.t.Width {
			lines, last = append(lines, ""), last+1
		}
		for i, l := range lines {
			if i == last {
				l = strings.TrimLeft(l+"  "+p.t.faint.Sprint(id), " ")
			}
			p.line("  %s", l)
		}
	}
	if infos > 0 {
		p.line("  %s", p.t.faint.Sprint(fmt.Sprintf("%d more that only inform", infos)))
	}
	p.line("")
}

// shortNames is how many objects are named where a finding is said once for many.
const shortNames = 6

func (p *writer) repeated(groups [][]*report.Listed) {
	if len(groups) == 0 {
		return
	}
	p.line("%s", p.t.strong.Sprint("on several objects"))
	width := 0
	for _, g := range groups {
		width = max(width, len(g[0].Severity()))
	}
	namespaces := map[string]bool{}
	places := newPlaces()
	for _, g := range groups {
		slices.SortStableFunc(g, func(a, b *report.Listed) int { // as they stand in the files
			return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Start, b.Start))
		})
		clear(namespaces)
		for _, f := range g {
			namespaces[f.Object().Namespace] = true
		}
		places.clear()
		names := p.names(g, places, len(namespaces) > 1)
		first := g[0].Finding()
		f := *first
		f.FieldName, f.Position, f.Picture = strings.Join(names, ", "), nil, nil
		f.Message = fmt.Sprintf("%s, on %s", what(g), rule.Count(len(places.first), "object"))
		p.setting(&f, width, false)
		if rule.Severity(f.Severity).Rank() <= rule.Severity(rule.High).Rank() {
			if pic := drawn(*first); pic != nil {
				p.lines(markedOnly(pic, false), strings.Repeat(" ", width+4))
			}
		}
	}
	p.line("")
}

// what is what all of a group say of their objects: their own words where those are the same.
func what(group []*report.Listed) string {
	text := group[0].Message()
	if slices.ContainsFunc(group, func(f *report.Listed) bool { return f.Message() != text }) {
		return group[0].Title()
	}
	return text
}

// objectKey tells the objects of findings apart, those of one name in several files too.
type objectKey struct {
	object snapshot.Ref
	file   string
}

func keyOf(f *report.Listed) objectKey { return objectKey{f.Object().Key(), f.File} }

// names are the places of findings, each once: where in the files, or the objects.
func (p *writer) names(findings []*report.Listed, places places, namespaced bool) []string {
	var names []string
	more := 0
	for _, f := range findings {
		if places.again(f) {
			continue
		}
		if len(names) == shortNames {
			more++
			continue
		}
		name := f.Object().String()
		if namespaced && f.Object().Namespace != "" {
			name = f.Object().Namespace + "/" + name
		}
		if f.File != "" {
			name = f.Finding().Position.Short()
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if more > 0 {
		names = append(names, fmt.Sprintf("%d more with -o wide", more))
	}
	return names
}

// places are where findings are. Most objects have one of a rule, and its path need not be spelt out to know that.
type places struct {
	first map[objectKey]*report.Listed // by object
	seen  map[place]bool               // of objects that have several
}

type place struct {
	objectKey
	field string
}

func newPlaces() places {
	return places{first: map[objectKey]*report.Listed{}, seen: map[place]bool{}}
}

func (s places) clear() {
	clear(s.first)
	clear(s.seen)
}

// again tells whether a finding is at the place of one before it: in a file at the same field, elsewhere on the same
// object.
func (s places) again(f *report.Listed) bool {
	key := keyOf(f)
	first := s.first[key]
	switch {
	case first == nil:
		s.first[key] = f
		return false
	case f.File == "":
		return true
	}
	s.seen[place{key, first.Field()}] = true
	at := place{key, f.Field()}
	again := s.seen[at]
	s.seen[at] = true
	return again
}

// titleOf is what a rule finds, in words that fit every object.
func (p *writer) titleOf(f *report.Finding) string {
	if f.Title != "" {
		return f.Title
	}
	return f.Message
}

// settings prints findings by object, the object with the worst first.
func (p *writer) settings(findings []*report.Listed, wide bool) {
	var order []objectKey
	groups := map[objectKey][]*report.Listed{}
	for _, f := range findings {
		key := keyOf(f)
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], f)
	}
	severityWidth := 0
	for _, f := range findings {
		severityWidth = max(severityWidth, len(f.Severity()))
	}
	for _, key := range order {
		group := groups[key]
		title := p.t.strong.Sprint(where(group[0].Object(), true))
		if group[0].File != "" {
			title += p.t.faint.Sprint("  " + clean(group[0].Edited))
		}
		p.line("%s", title)
		sort.SliceStable(group, func(i, j int) bool {
			return rule.Severity(group[i].Severity()).Rank() < rule.Severity(group[j].Severity()).Rank()
		})
		for _, f := range group {
			p.setting(f.Finding(), severityWidth, wide)
		}
		p.line("")
	}
}

func (p *writer) setting(f *report.Finding, severityWidth int, wide bool) {
	t := p.t
	paint := t.faint
	switch rule.Severity(f.Severity) {
	case rule.Critical, rule.High:
		paint = t.failure
	case rule.Medium:
		paint = t.doubt
	}
	at := f.FieldName
	if f.Position != nil {
		at = f.Position.String()
	}
	head := "  " + paint.Sprint(pad(f.Severity, severityWidth)) + "  "
	indent := severityWidth + 4
	message := clean(f.Message)
	if f.Certainty != string(rule.Certain) {
		message = f.Certainty + ": " + message
	}
	tail := "  " + t.faint.Sprint(f.Rule)
	lines := wrap(message, p.prose(indent))
	if last := lines[len(lines)-1]; t.Width > 0 && indent+cells(last)+2+cells(f.Rule) > t.Width {
		lines, tail = append(lines, f.Rule), ""
	}
	for i, l := range lines {
		if i > 0 {
			head = strings.Repeat(" ", indent)
		}
		if i == len(lines)-1 {
			l += tail
		}
		p.line("%s%s", head, l)
	}
	for _, l := range wrap(clean(at), p.prose(indent)) {
		p.line("%s%s", strings.Repeat(" ", indent), t.faint.Sprint(l))
	}
	shown := wide || rule.Severity(f.Severity).Rank() <= rule.Severity(rule.High).Rank()
	if shown {
		if pic := drawn(*f); pic != nil {
			p.lines(markedOnly(pic, wide), strings.Repeat(" ", indent))
		}
	}
	if wide && f.Fix != nil {
		p.fix(*f)
	}
}

// markedOnly keeps the marked lines of a picture, and with all its ancestors too.
func markedOnly(pic *report.Picture, all bool) *report.Picture {
	if all {
		return pic
	}
	short := &report.Picture{Title: pic.Title, Number: pic.Number}
	for _, l := range pic.Lines {
		if l.Marked {
			short.Lines = append(short.Lines, l)
		}
	}
	if len(short.Lines) == 0 {
		return pic
	}
	return short
}

func (p *writer) unresolved(r *report.Report) {
	if len(r.Unresolved) == 0 {
		return
	}
	title, _ := unresolvedWords(r)
	p.line("%s:", title)
	for _, u := range r.Unresolved {
		p.line("  %s  %s: %s%s", where(u.Object, true), clean(u.Field), clean(u.Target.String()), because(u))
	}
	p.line("")
}

// summary counts, per dimension, the verdicts: one for each check and object.
func (p *writer) summary(r *report.Report, broken, settings int, wide bool) {
	t := p.t
	names := make([]string, 0, len(r.Summary.ByDimension))
	for _, d := range rule.Dimensions() {
		if _, ok := r.Summary.ByDimension[string(d)]; ok {
			names = append(names, string(d))
		}
	}
	for _, name := range names {
		c := r.Summary.ByDimension[name]
		judged := c.Pass + c.Fail
		if judged+c.Waived+c.Unknown == 0 {
			continue // no rule of it applies to anything here
		}
		line := fmt.Sprintf("%s %d of %d pass", pad(name, 14), c.Pass, judged)
		if c.Fail > 0 {
			line += ", " + t.failure.Sprintf("%d fail", c.Fail)
		}
		if c.Waived > 0 {
			line += fmt.Sprintf(", %d waived", c.Waived)
		}
		if c.Unknown > 0 {
			line += ", " + t.doubt.Sprintf("%d not evaluated", c.Unknown)
		}
		p.line("%s", line)
	}
	partly := slices.ContainsFunc(r.NotEvaluated, func(n report.NotEvaluated) bool { return n.Fatal || isRead(n) })
	switch {
	case r.Summary.Objects == 0 && broken == 0 && partly:
		p.line("%s nothing to check in what could be read", t.doubt.Sprint(t.unsure))
		return
	case r.Summary.Objects == 0 && broken == 0:
		p.line("%s nothing to check: no objects were found", t.doubt.Sprint(t.unsure))
		return
	}
	finding := "finding"
	if r.Baseline != nil {
		finding = "new finding"
	}
	verdict := rule.Count(r.Summary.Objects, "object") + " looked at"
	if broken > 0 {
		verdict += fmt.Sprintf(", %d broken now", broken)
	}
	switch {
	case settings > 0:
		verdict += ", " + rule.Count(settings, finding)
	case broken == 0 && partly:
		verdict = t.doubt.Sprint(t.unsure) + " " + verdict + ", no " + finding + "s in what could be judged"
	case broken == 0:
		verdict = t.success.Sprint(t.good) + " " + verdict + ", no " + finding + "s"
	}
	p.line("%s", verdict)
	if n := len(r.Unresolved); n > 0 && !wide {
		_, text := unresolvedWords(r)
		p.line("%s %s", rule.Count(n, "name"), text)
	}
	if len(r.Summary.Unknown) > 0 {
		total, kinds := 0, make([]string, 0, len(r.Summary.Unknown))
		for k, n := range r.Summary.Unknown {
			total += n
			kinds = append(kinds, k)
		}
		sort.Strings(kinds)
		p.line("%s of kinds that no rule knows: %s", rule.Count(total, "object"), clean(strings.Join(kinds, ", ")))
	}
	p.otherFiles(r, wide)
	if settings > 0 {
		p.line("%s", t.faint.Sprint("kubectl maturity rules ID tells what a finding means and how to mend it"))
	}
}
