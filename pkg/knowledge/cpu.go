package knowledge

import "time"

const (
	// StarvingCPU is the CPU limit, in millicores, up to which it is likely that the limit and nothing
	// else makes a start slow: the container runs 20 ms or less of every 100 ms, so that what takes 3 s
	// on an idle core takes 15. A judgement; the period of 100 ms is the kubelet's cpuCFSQuotaPeriod.
	StarvingCPU = 200
	// StartCPU is how much CPU time a server of middling size uses before it listens: a class path that
	// is scanned, an interpreter that imports its modules. What was given more had enough, and starts
	// slowly for another reason. A judgement.
	StartCPU = 5 * time.Second
)
