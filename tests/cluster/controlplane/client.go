package controlplane

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// answerBytesMax bounds what is read of an answer.
const answerBytesMax = 16 << 20

// client reaches the components as the launcher. It sends a handful of
// requests, for which the standard library is enough.
type client struct{ http *http.Client }

func newClient(all credentials) (*client, error) {
	certificate, err := tls.X509KeyPair(all[launcherUser].public, all[launcherUser].private)
	if err != nil {
		return nil, fmt.Errorf("reading the launcher's certificate: %w", err)
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(all[authorityName].public)
	return &client{&http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{
			Certificates: []tls.Certificate{certificate},
			RootCAs:      authorities,
		},
	}}}, nil
}

// get answers the body at the URL, and an error for any status but success.
func (c *client) get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("preparing GET %s: %w", url, err)
	}
	return c.send(request)
}

// apply makes the object at the URL be like this one. It may be repeated when
// no answer came.
func (c *client) apply(ctx context.Context, url string, object any) error {
	content, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("encoding the object for %s: %w", url, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPatch, url+"?fieldManager=cluster", bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("preparing PATCH %s: %w", url, err)
	}
	request.Header.Set("Content-Type", "application/apply-patch+yaml")
	_, err = c.send(request)
	return err
}

func (c *client) send(request *http.Request) ([]byte, error) {
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, answerBytesMax))
	if err != nil {
		return nil, fmt.Errorf("reading the answer to %s %s: %w", request.Method, request.URL, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, fmt.Errorf("%s %s: %s: %s", request.Method, request.URL, response.Status, text)
	}
	return text, nil
}

func (c *ControlPlane) etcdHealthy(ctx context.Context) error {
	_, err := c.client.get(ctx, c.ports.etcdURL()+"/health")
	return err
}

func (c *ControlPlane) apiServerReady(ctx context.Context) error {
	_, err := c.client.get(ctx, c.Server()+"/readyz")
	return err
}

// defaultServiceAccountExists shows that the controller manager works, and
// pods in the default namespace are admitted from then on.
func (c *ControlPlane) defaultServiceAccountExists(ctx context.Context) error {
	_, err := c.client.get(ctx, c.Server()+"/api/v1/namespaces/default/serviceaccounts/default")
	return err
}
