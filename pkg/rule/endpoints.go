package rule

import (
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// EndpointReady tells whether an endpoint takes requests: where nothing is said it does.
// Source: k8s.io/api discovery/v1, EndpointConditions.
func EndpointReady(e *discoveryv1.Endpoint) bool {
	return e.Conditions.Ready == nil || *e.Conditions.Ready
}

// ReadyEndpoints is how many endpoints of a Service take requests; known is false where they were not read.
func (p *Pass) ReadyEndpoints(service *snapshot.Object) (ready int, known bool) {
	for _, o := range p.EndpointSlices(service) {
		if slice, ok := o.Typed.(*discoveryv1.EndpointSlice); ok {
			for i := range slice.Endpoints {
				if EndpointReady(&slice.Endpoints[i]) {
					ready++
				}
			}
		}
	}
	return ready, p.EndpointSlicesRead(service)
}
