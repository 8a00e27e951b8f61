package controlplane

import (
	"bytes"
	"encoding/base64"
	"text/template"
)

// kubeconfigTemplate carries the certificates inside, so that the file can be
// copied and outlives the data folder's next start.
var kubeconfigTemplate = template.Must(template.New("kubeconfig").Funcs(template.FuncMap{
	"base64": base64.StdEncoding.EncodeToString,
}).Parse(`apiVersion: v1
kind: Config
clusters:
- name: cluster
  cluster:
    server: {{ .Server }}
    certificate-authority-data: {{ base64 .Authority }}
users:
- name: {{ printf "%q" .User }}
  user:
    client-certificate-data: {{ base64 .Certificate }}
    client-key-data: {{ base64 .Key }}
contexts:
- name: cluster
  context:
    cluster: cluster
    user: {{ printf "%q" .User }}
current-context: cluster
`))

// kubeconfig answers a kubeconfig with which the user reaches the server.
func kubeconfig(server, user string, all credentials) []byte {
	var content bytes.Buffer
	// A template that parsed, over values that are all there, cannot fail.
	_ = kubeconfigTemplate.Execute(&content, struct {
		Server, User                string
		Authority, Certificate, Key []byte
	}{server, user, all[authorityName].public, all[user].public, all[user].private})
	return content.Bytes()
}
