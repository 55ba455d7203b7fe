package exits

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ThreadLimit finds programs that end because they may not start another thread or process.
var ThreadLimit = logCause("thread-limit", "it may not start another thread or process", "thread_limit.md",
	func(p *rule.Pass, _ snapshot.Container, _ *ended) []snapshot.Want {
		if name := p.Object.Pod().Spec.NodeName; name != "" {
			return []snapshot.Want{snapshot.WantGet(snapshot.NodeKind, "", name)}
		}
		return nil
	}, reportThreads)

// notAllowed is what the more of a reason says where starting a thread is not allowed at all, rather than too much.
const notAllowed = "notAllowed"

var (
	threadFull = knowledge.Regexp(`(?i)(?:fork|thread|pthread_create|spawn|clone)[^\n]{0,160}(?:resource temporarily unavailable|EAGAIN|errno ?= ?11\b|os error 11\b|code: 11\b|\(11\b)|can't start new thread|unable to create (?:new )?native thread|failed to create new OS thread|fatal error: newosproc|can(?:no|')t fork|can't create thread|thread creation failed`)
	threadDeny = knowledge.Regexp(`(?i)(?:fork|thread|pthread_create|spawn|clone)[^\n]{0,160}(?:operation not permitted|EPERM|errno ?= ?1\b|os error 1\b)`)
	busy       = knowledge.Regexp(`(?i)^BlockingIOError: \[Errno 11\] Resource temporarily unavailable|what\(\):\s+Resource temporarily unavailable`)
	forks      = knowledge.Regexp(`(?i)fork|subprocess|popen|multiprocessing|threading|system_error`)
	haveNow    = knowledge.Regexp(`\(have (\d{1,7}) already`)
	manyOf     = knowledge.Regexp(`(?i)for thread \d{1,6} of (\d{1,6})`)
)

// forkLines is how far before an error that only says "temporarily unavailable" the call may stand that made it.
const forkLines = 14

var threadReading = reading{
	words: knowledge.Regexp(`(?i)temporarily unavailable|EAGAIN|EPERM|errno|os error|code: 11|thread|fork|newosproc`),
	read: func(lines []string, at int, _ int32) *reason {
		line := lines[at]
		r := &reason{cause: "thread-limit"}
		switch {
		case threadDeny.MatchString(line):
			r.more = notAllowed
		case threadFull.MatchString(line):
		case busy.MatchString(line) && forks.MatchString(strings.Join(lines[max(0, at-forkLines):at], "\n")):
		default:
			return nil
		}
		return r
	},
}

// pool is a variable with which a runtime or library is told how many threads to start.
type pool struct {
	words *knowledge.Pattern // of what reads it
	env   string
}

// pools are tried in turn. Sources: the documents of OpenBLAS, of GNU's OpenMP, of Rayon and of libuv.
var pools = []pool{
	{knowledge.Regexp(`OpenBLAS`), "OPENBLAS_NUM_THREADS"},
	{knowledge.Regexp(`libgomp|OpenMP|OMP:`), "OMP_NUM_THREADS"},
	{knowledge.Regexp(`rayon`), "RAYON_NUM_THREADS"},
	{knowledge.Regexp(`uv_thread|libuv`), "UV_THREADPOOL_SIZE"},
}

// threadEnv are variables that set how many threads or processes a program starts.
var threadEnv = knowledge.Regexp(`(?i)(?:^|_)(?:num_)?(?:threads?|workers?|concurrency|processes)$|THREADPOOL_SIZE|NUM_THREADS`)

func reportThreads(p *rule.Pass, c snapshot.Container, e *ended) {
	f := e.finding(p, c)
	if e.more == notAllowed {
		f.Message = fmt.Sprintf("is not allowed to start a thread: %s%s", rule.Quote(e.line), e.ends())
		f.NoField = "a seccomp profile, or a container runtime too old for the image's C library, answers so; neither says which"
		f.RuledOut = []string{"too many threads: that is answered with \"temporarily unavailable\""}
		f.Fix = &rule.Fix{Title: "see whether the node's container runtime is older than the image's C library (clone3), and which seccomp profile the pod has", Applicability: rule.NeedsThought}
		if s := seccompOf(p, c); s != nil {
			point(&f, *s, "", "this profile decides which system calls it may make")
		}
		p.Report(f)
		return
	}
	f.Message = fmt.Sprintf("may not start another thread or process: %s%s", rule.Quote(e.line), e.ends())
	f.NoField = "no field of a pod says how many threads and processes it may have: the kubelet's podPidsLimit does, the container's ulimit, and what the node has left; the API shows none of them"
	f.RuledOut = notMemory(e.Death)
	f.Fix = &rule.Fix{
		Title: "have it start fewer threads or processes, or have whoever runs the node raise podPidsLimit", Applicability: rule.NeedsThought,
		Caution: "a leak of threads reaches every limit: see first whether their number grows with time",
	}
	for _, pattern := range []*knowledge.Pattern{haveNow, manyOf} {
		if m := pattern.FindStringSubmatch(e.line); m != nil {
			word := "it has %s threads already"
			if pattern == manyOf {
				word = "it wants %s threads"
			}
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromLog, Object: p.Object.In(c.Name), Text: fmt.Sprintf(word, m[1])})
		}
	}
	node, _ := p.Lookup(snapshot.NodeKind, "", p.Object.Pod().Spec.NodeName)
	if node != nil {
		f.Fix.Lines = []string{"# podPidsLimit of the kubelet, where you may ask it (-1: none):", rule.Kubectl(p.Context, "", "get", "--raw", "/api/v1/nodes/"+node.Name+"/proxy/configz")}
		ofNode(&f, node)
	}
	for i, v := range c.Env {
		if v.ValueFrom == nil && v.Value != "" && threadEnv.MatchString(v.Name) {
			point(&f, envSetting(p, c, i).Child("value"), v.Value, "how many it starts stands here")
			f.Message += fmt.Sprintf("; %s is %s", v.Name, rule.Quote(v.Value))
			p.Report(f)
			return
		}
	}
	for _, k := range pools {
		if k.words.MatchString(e.line) {
			container := p.ContainerSetting(c)
			value := "<THREADS>"
			if limit, ok := c.Resources.Limits[corev1.ResourceCPU]; ok && limit.Value() > 0 {
				value = fmt.Sprint(limit.Value()) // rounded up
			}
			point(&f, container.Child("env"), "", fmt.Sprintf("no %s: without it, one thread for each CPU of the node", k.env))
			f.Fix.Title = fmt.Sprintf("set %s: without it there is one thread for each CPU of the node, whatever the container's CPU limit", k.env)
			f.Fix.Command = []string{"set", "env", container.Object.String(), "-c", c.Name, k.env + "=" + value}
			f.Fix.Object = container.Object
			if value == "<THREADS>" {
				f.Fix.Applicability = rule.Placeholders
			}
			break
		}
	}
	p.Report(f)
}

// ofNode adds what the node says: that its processes run out, and how many CPUs it has, since many libraries start
// a thread for each.
func ofNode(f *rule.Finding, o *snapshot.Object) {
	node, ok := o.Typed.(*corev1.Node)
	if !ok {
		return
	}
	for _, cond := range node.Status.Conditions {
		if cond.Type != corev1.NodePIDPressure {
			continue
		}
		if cond.Status == corev1.ConditionTrue {
			because := o.Ref
			f.Because = &because
			f.Message += fmt.Sprintf("; %s has too few process numbers left", o.String())
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: o.Ref, Field: "status.conditions[PIDPressure]", Text: cond.Reason + ": " + cond.Message})
			f.Fix.Title = "find what takes all process numbers of the node; this pod may only be the one that noticed"
		} else {
			f.RuledOut = append(f.RuledOut, fmt.Sprintf("a node without process numbers: PIDPressure of %s is %s", o.String(), cond.Status))
		}
	}
	if cpus := node.Status.Capacity.Cpu(); !cpus.IsZero() {
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: o.Ref, Field: "status.capacity.cpu", Text: fmt.Sprintf("%s has %s CPUs: many libraries start a thread for each, whatever the container's limit", o.String(), cpus.String())})
	}
}

// seccompOf is the seccomp profile that the container has; nil for none.
func seccompOf(p *rule.Pass, c snapshot.Container) *rule.Setting {
	if sc := c.SecurityContext; sc != nil && sc.SeccompProfile != nil {
		s := p.ContainerSetting(c).Child("securityContext", "seccompProfile", "type")
		return &s
	}
	if sc := p.Object.Pod().Spec.SecurityContext; sc != nil && sc.SeccompProfile != nil {
		s := p.PodSpec().Child("securityContext", "seccompProfile", "type")
		return &s
	}
	return nil
}
