package security

import (
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// SudoEntrypoint finds containers that make themselves root when they start.
var SudoEntrypoint = rule.Check{
	ID: "sudo-entrypoint", Title: "starts with sudo", Doc: rule.ReadDoc(docs, "sudo_entrypoint.md"),
	Dimension: rule.Security, Severity: rule.Low, On: rule.Workloads, Applies: notSystem,
	Run: func(p *rule.Pass) {
		for _, t := range p.Object.Templates {
			if t.Spec == nil || onWindows(t) {
				continue
			}
			for _, c := range t.Containers() {
				at, script, ok := sudoAt(c)
				if ok {
					sudo(p, c, at, script)
				}
			}
		}
	},
	Peers: map[string][]string{
		"kubescape": {"sudo-in-container-entrypoint"},
	},
}

// sudoCommand finds sudo where a shell looks for the name of a program: at the start, and after what ends
// a command or begins a list of them. Source: the grammar of the POSIX shell.
var sudoCommand = knowledge.Regexp(`(?m)(?:^|[;&|({!]|\b(?:then|do|else|elif|if|while|until|exec|time))\s*(?:[A-Za-z_][A-Za-z0-9_]*=\S*\s+)*(?:/usr/bin/|/bin/)?sudo(?:\s|$)`)

var shells = []string{"sh", "bash", "dash", "ash", "zsh", "ksh"}

// sudoAt is where a container calls sudo: as its program, or in the script that its shell is given.
func sudoAt(c snapshot.Container) (at *field.Path, script, ok bool) {
	type word struct {
		text string
		path *field.Path
	}
	var words []word
	for i, w := range c.Command {
		words = append(words, word{w, c.Path.Child("command").Index(i)})
	}
	for i, w := range c.Args {
		words = append(words, word{w, c.Path.Child("args").Index(i)})
	}
	if len(words) == 0 {
		return nil, false, false
	}
	// Without a command the arguments go to the image's own program. Most of those that get a program
	// as their first argument run it.
	program := path.Base(words[0].text)
	if program == "sudo" {
		return words[0].path, false, true
	}
	if !slices.Contains(shells, program) {
		return nil, false, false
	}
	for i, w := range words[1:] {
		if strings.HasPrefix(w.text, "-") && !strings.HasPrefix(w.text, "--") && strings.HasSuffix(w.text, "c") && i+2 < len(words) {
			text := words[i+2]
			return text.path, true, sudoCommand.MatchString(text.text)
		}
	}
	return nil, false, false
}

func sudo(p *rule.Pass, c snapshot.Container, at *field.Path, script bool) {
	f := inContainer(p, c, at)
	f.Value = "sudo"
	f.Message = named(one(c)) + " makes itself root with sudo: whoever gets into it does the same"
	if script {
		f.Value, f.Message = "", named(one(c))+" calls sudo in its script: whoever gets into it makes itself root the same way"
	}
	if own := c.SecurityContext; own != nil && own.AllowPrivilegeEscalation != nil && !*own.AllowPrivilegeEscalation {
		f.Severity = rule.Medium
		f.Message = named(one(c)) + " calls sudo, which fails: allowPrivilegeEscalation is false"
	}
	f.Fix = &rule.Fix{
		Title: "prepare in the image what needs root, and start the program itself, as a user without it", Applicability: rule.NeedsThought,
		Caution: "what was root with sudo may need files of another owner, or one capability; where it is root for good, runAsUser: 0 says so to everybody who looks",
	}
	p.Report(f)
}
