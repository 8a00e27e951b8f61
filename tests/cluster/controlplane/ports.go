package controlplane

import (
	"fmt"
	"math/rand/v2"
	"net"
)

const (
	loopback = "127.0.0.1"

	// The ports to choose from lie below those that Linux gives to outgoing
	// connections and to listeners that ask for any port: one of those could
	// take a chosen port before its component listens.
	portLowest  = 20000
	portHighest = 32000

	portTriesMax = 1000
)

// ports are what the components listen on; the others listen on none.
type ports struct{ etcd, apiServer int }

func (p ports) etcdURL() string   { return fmt.Sprintf("https://%s:%d", loopback, p.etcd) }
func (p ports) serverURL() string { return fmt.Sprintf("https://%s:%d", loopback, p.apiServer) }

// choosePorts answers ports that are free now.
func choosePorts() (ports, error) {
	var free []int
	for range portTriesMax {
		port := portLowest + rand.IntN(portHighest-portLowest)
		if len(free) > 0 && free[0] == port {
			continue
		}
		listener, err := net.Listen("tcp", fmt.Sprintf("%s:%d", loopback, port))
		if err != nil {
			continue
		}
		_ = listener.Close()
		if free = append(free, port); len(free) == 2 {
			return ports{etcd: free[0], apiServer: free[1]}, nil
		}
	}
	return ports{}, fmt.Errorf("choosing ports on %s: %d tries between %d and %d found none free; is loopback up?",
		loopback, portTriesMax, portLowest, portHighest)
}
