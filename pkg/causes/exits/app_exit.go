package exits

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// AppExit finds containers that ended with an error, where nothing more is known.
var AppExit = rule.Cause{
	ID: "app-exit", Title: "the program ends with an error", Doc: rule.ReadDoc(docs, "app_exit.md"),
	Peers: map[string][]string{"popeye": {"POP-203", "POP-205"}},
	Stage: rule.StageExit, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		return logsOfFailed(p, func(c snapshot.Container, _ *rule.Death) bool { return !c.Init })
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			d := failed(p, c)
			if d == nil || c.Init || d.Over || killed(p, c, d) != nil || perhapsKilled(p, c, d) {
				continue
			}
			if neverStarted(d) {
				reportNeverStarted(p, c, d)
				continue
			}
			reportExit(p, c, d)
		}
	},
}

func reportExit(p *rule.Pass, c snapshot.Container, d *rule.Death) {
	container := p.ContainerSetting(c)
	f := rule.Finding{
		Object:    container.Object,
		Seen:      p.Object.In(c.Name),
		NoField:   "the program decides with what it exits, and its words do not lead to a setting: read them",
		Message:   exits(d) + d.Lived() + said(p, c, d),
		Evidence:  append([]rule.Evidence{p.DeathEvidence(c, d)}, lastWords(p, c, d, 2)...),
		Certainty: rule.Certain,
		History:   past(p, d),
		Fix:       readLog(p, c, "read the whole log of the life that ended"),
	}
	if signal, sent := knowledge.SentSignal(d.ExitCode); sent { // a program may exit so by itself, as a shell does for its child
		f.Certainty = rule.Likely
		f.NoField = fmt.Sprintf("who sent %s is not written down, nor whether the program exits so by itself, as a shell does for its child", signal)
		if limit, ok := c.Resources.Limits[corev1.ResourceMemory]; ok && d.ExitCode == 137 {
			f.NoField += fmt.Sprintf("; its memory limit of %s is not excluded", limit.String())
		}
	}
	if crashSignals[d.ExitCode] != "" {
		judgeCrash(p, c, d, &f)
	}
	f.Evidence = append(f.Evidence, ownRestartPolicy(p, c, d)...)
	if crashSignals[d.ExitCode] == "" {
		f.RuledOut = append(f.RuledOut, notMemory(d)...)
	}
	if len(lastWords(p, c, d, 1)) == 0 {
		if out, asked := p.Outcome(p.DeathLog(c)); asked && out.State != snapshot.Blind {
			f.Message += ", and its log is empty"
			f.Fix.Title = "have the program say why it ends: its log is empty"
		}
	}
	p.Report(f)
}

// crashSignals are the signals that end a program which did what the processor or the C library does not let anybody
// do, by the exit code of 128 plus the signal.
var crashSignals = map[int32]string{132: "SIGILL", 133: "SIGTRAP", 134: "SIGABRT", 135: "SIGBUS", 136: "SIGFPE", 139: "SIGSEGV"}

var (
	// emulated is what the emulator of another processor writes when the program in it crashes.
	emulated = knowledge.Regexp(`(?i)^qemu(?:-\w+)?: uncaught target signal|rosetta error|qemu-\w+: could not open`)
	// crashWords are how shells, C libraries and runtimes say that native code crashed.
	crashWords = knowledge.Regexp(`(?i)segmentation fault|core dumped|sigsegv|sigabrt|sigill|sigbus|sigfpe|signal (?:4|6|7|8|11)\b|illegal instruction|bus error|floating point exception|aborted|assert(?:ion)?\b|terminate called|double free|free\(\): invalid|malloc\(\)|stack smashing|munmap_chunk|fatal error has been detected by the java runtime`)
	// ofHeap are words with which an abort is one for want of memory.
	ofHeap = knowledge.Regexp(`(?i)bad_alloc|out of memory|cannot allocate memory|heap limit|allocation failed`)
)

// soon is how fast a program ends that could not have run here at all: for want of a processor's instruction, or of
// the right C library.
const soon = 2 * time.Second

// judgeCrash words the end of native code: which signal, what that usually is, and the fact that would decide.
func judgeCrash(p *rule.Pass, c snapshot.Container, d *rule.Death, f *rule.Finding) {
	signal := crashSignals[d.ExitCode]
	lines := p.LogLines(c)
	line := ""
	for i := len(lines) - 1; i >= max(0, len(lines)-tellingLines); i-- {
		l := lines[i][:min(len(lines[i]), reasonLetters)]
		if emulated.MatchString(l) || crashWords.MatchString(l) || ofHeap.MatchString(l) {
			line = l
			if emulated.MatchString(l) {
				break
			}
		}
	}
	f.Certainty = rule.Likely
	f.Message = fmt.Sprintf("crashes in native code, exit %d (%s)%s%s", d.ExitCode, signal, d.Lived(), said(p, c, d))
	if line == "" {
		f.Message = fmt.Sprintf("ends with exit %d, as native code that crashes does (%s)%s%s", d.ExitCode, signal, d.Lived(), said(p, c, d))
	}
	early := d.Ran() < soon
	when := "it ran for " + rule.Human(d.Ran()) + ", so it can run here: what it did then is the first suspect"
	if early {
		when = "it ends right at its start"
	}
	f.NoField = fmt.Sprintf("the API does not say why native code crashes: %s", when)
	f.Fix.Title = "run it where a core dump is kept, or with the library that changed last as it was before: the trace says whose code it is"
	switch {
	case emulated.MatchString(line):
		image := p.ContainerSetting(c).Child("image")
		f.Object, f.Field, f.Value, f.NoField = image.Object, image.Path, c.Image, ""
		f.Label = "was built for another kind of processor than the node's"
		f.Message += "; an emulator says so: the image is for another kind of processor than the node"
		f.Fix.Title = "use an image for the processor of the node, or put it where such processors are (nodeSelector kubernetes.io/arch)"
	case signal == "SIGILL":
		f.NoField += "; an image built for newer processors than the node's (AVX, x86-64-v3) ends so"
		f.Fix.Title = "see for which processors the image is built, and put it where such processors are"
	case signal == "SIGBUS":
		f.NoField += "; a file that another process cut off, and a /dev/shm that is full, end so"
		f.Fix.Title = "see whether its shared memory is full: /dev/shm has 64 MiB unless an emptyDir with medium Memory is mounted there"
		if m := mountAt(c, "/dev/shm/x"); m != nil && m.MountPath == "/dev/shm" {
			f.Fix.Title = "see whether volume " + m.Name + " at /dev/shm is full, and which files it maps into memory"
		}
	case signal == "SIGSEGV" && early:
		f.NoField += ": an image for another processor, another C library than it was built with (glibc in an image of musl), a damaged binary and a fault in its code all look like this"
		f.Fix.Title = "run the same image by itself on a node of the same kind; if it crashes there too, compare its C library and architecture to what it was built for"
	case signal == "SIGABRT" && !ofHeap.MatchString(line):
		f.NoField = fmt.Sprintf("the program, or its C library, gave itself up: %s", when)
		f.Fix.Title = "mend what it complains of: an assertion, an exception that nobody caught or damaged memory of its own"
	}
	if !ofHeap.MatchString(line) {
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("a kill from outside, and its memory limit: both end a program with SIGKILL, not %s", signal))
	}
	if node := p.Object.Pod().Spec.NodeName; node != "" {
		if o, _ := p.Lookup(snapshot.NodeKind, "", node); o != nil {
			if n, ok := o.Typed.(*corev1.Node); ok && n.Status.NodeInfo.Architecture != "" {
				f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: o.Ref, Field: "status.nodeInfo.architecture", Text: fmt.Sprintf("%s is %s", o.String(), n.Status.NodeInfo.Architecture)})
			}
		}
	}
}

// runtimeWords cuts from what the runtime says all that it says of itself.
var runtimeWords = knowledge.Regexp(`unable to start container process: (?:error during container init: )?`)

// ofWorkingDir are the words of a runtime that cannot make or enter the folder in which a program is to start.
var ofWorkingDir = knowledge.Regexp(`(?i)\bmkdir\b|\bchdir\b|\bcwd\b|working dir`)

func reportNeverStarted(p *rule.Pass, c snapshot.Container, d *rule.Death) {
	container := p.ContainerSetting(c)
	text := strings.TrimSuffix(d.Message, ": unknown")
	if at := runtimeWords.FindStringIndex(text); at != nil {
		text = text[at[1]:]
	}
	f := rule.Finding{
		Object:    container.Object,
		Seen:      p.Object.In(c.Name),
		NoField:   "the runtime names no setting",
		Message:   "cannot be started" + d.Lived() + ": " + rule.Quote(text),
		Evidence:  []rule.Evidence{p.DeathEvidence(c, d)},
		RuledOut:  []string{"the program itself: not one instruction of it ran"},
		Certainty: rule.Certain,
		History:   past(p, d),
	}
	// The runtime makes the folder where it is missing, and then goes there: it says mkdir or chdir, and the path.
	if c.WorkingDir != "" && hasWord(text, c.WorkingDir) && ofWorkingDir.MatchString(text) {
		point(&f, container.Child("workingDir"), c.WorkingDir, "the program is to start in this folder")
		f.Message = fmt.Sprintf("cannot be started in its workingDir %s%s: %s", c.WorkingDir, d.Lived(), rule.Quote(text))
		f.Fix = &rule.Fix{Title: "name a folder that the image or a volume has, and that the container's user may enter; without workingDir the image's own counts", Applicability: rule.NeedsThought}
		if strings.Contains(text, "not a directory") {
			f.Label = "this is a file, or below one: the program is to start in a folder"
		}
	}
	p.Report(f)
}
