package exits

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ShellCmdNotFound finds scripts that end because a program which they call is not there.
var ShellCmdNotFound = logCause("shell-cmd-not-found", "a script calls a program that is not there", "shell_cmd_not_found.md", nil, reportShell)

// What shells say: dash "sh: 1: x: not found", busybox "sh: x: not found", bash "bash: line 1: x:
// command not found", zsh "zsh:1: command not found: x", env "env: 'x': No such file or directory".
var (
	shellMissing = knowledge.Regexp(`(?:^|[:\s])([^\s:"'‘]+): (?:command )?not found$|command not found: (\S+)$`)
	envMissing   = knowledge.Regexp(`^(?:/usr/bin/)?env: (?:['"‘` + "`" + `]?)([^'"’` + "`" + `:\s]+)['"’` + "`" + `]?: No such file or directory$`)
	carriage     = knowledge.Regexp(`\\r|\r`)
)

var shellReading = reading{
	words: knowledge.Regexp(`not found|env: .*No such file or directory`),
	read: func(lines []string, at int, exit int32) *reason {
		if exit != 127 {
			return nil
		}
		line := strings.TrimRight(lines[at], "\r")
		r := &reason{cause: "shell-cmd-not-found"}
		for _, l := range lines[max(0, at-3) : at+1] { // a carriage return shows in the first line that fails
			if carriage.MatchString(l) {
				r.more = "\r"
			}
		}
		switch m, e := shellMissing.FindStringSubmatch(strings.ReplaceAll(line, "\r", "")), envMissing.FindStringSubmatch(line); {
		case e != nil:
			r.what = e[1]
		case m != nil:
			r.what = m[1] + m[2]
		default:
			return nil
		}
		return r
	},
}

func reportShell(p *rule.Pass, c snapshot.Container, e *ended) {
	f := e.finding(p, c)
	word := strings.Trim(rule.Quote(e.what), `"`)
	f.Message = fmt.Sprintf("its script calls %q, which is not in the image%s", word, e.ends())
	f.RuledOut = []string{"a command of the container that is not there: the shell itself was started, and says so"}
	f.NoField = fmt.Sprintf("no argument of the container holds %q: the script is in the image or in a volume", word)
	f.Fix = &rule.Fix{Title: fmt.Sprintf("use an image that has %q, or call what this one has", word), Applicability: rule.NeedsThought}
	setting, value, found := wordSetting(p, c, e.what, e.line)
	if found {
		point(&f, setting, value, fmt.Sprintf("calls %q", word))
	}
	switch {
	case e.more == "\r":
		f.Message = fmt.Sprintf("its script has the line ends of Windows, and the shell takes the carriage return for a part of %q%s", word, e.ends())
		f.Fix.Title = "write the script with the line ends of Unix: drop the carriage returns (dos2unix, or git's autocrlf=input)"
	case strings.Contains(e.what, "/"):
		f.Message = fmt.Sprintf("its script calls %q, and either that file is not there or the program that its first line names%s", word, e.ends())
		f.Fix.Title = "see whether the file is there, and whether the program in its first line (#!) is"
	default:
		near := knowledge.Slip(e.what, knowledge.Tools())
		if near == "" || slices.Contains(knowledge.Tools(), e.what) {
			break
		}
		f.Message = fmt.Sprintf("its script calls %q, which is not there%s: is %q meant?", word, e.exit(), near)
		f.Fix.Title = fmt.Sprintf("call %q, if that is meant and the image has it", near)
		if at := wordIn(value, e.what); found && at >= 0 && strings.Count(value, e.what) == 1 {
			f.Fix.Caution = "the name is alike; that the image has the program is not known"
			f.Fix.Patch = setting.ReplaceValue(value, value[:at]+near+value[at+len(e.what):])
			f.Fix.Command = p.PatchCommand(setting.Object, f.Fix.Patch)
		}
	}
	p.Report(f)
}
