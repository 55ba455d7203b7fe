package lifecycle

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

const gibi = 1 << 30

// words is a number of the kubelet in the unit in which people write the resource: it counts CPU in
// thousandths.
func words(name corev1.ResourceName, number string) string {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return number
	}
	switch name {
	case corev1.ResourceCPU:
		return resource.NewMilliQuantity(n, resource.DecimalSI).String()
	case corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
		if n > gibi && n%(1<<20) != 0 {
			return fmt.Sprintf("%.1fGi", float64(n)/gibi)
		}
		return resource.NewQuantity(n, resource.BinarySI).String()
	}
	return number
}

// inShort is an amount of bytes as people say it: 3157644Ki is 3.0Gi. What is no amount stays as it is.
func inShort(text string) string {
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return text
	}
	switch n := q.Value(); {
	case n >= gibi && n%gibi != 0:
		return fmt.Sprintf("%.1fGi", float64(n)/gibi)
	case n >= 1<<20 && n%(1<<20) != 0:
		return fmt.Sprintf("%dMi", (n+(1<<20)-1)>>20)
	}
	return text
}
