package rule

import corev1 "k8s.io/api/core/v1"

// PodReady tells whether the pod counts as ready, for Services and controllers alike.
func PodReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
