// Package foreign is the one door for text that others wrote: servers,
// gateways, proxies, the names in a certificate. Whatever such a text is going
// to be part of, an error, a log line, a line of `check`, it goes through here
// first.
//
//	text.go    Text, Code, Key, Cause: valid UTF-8, no secret, one line, short
//	secret.go  what counts as a secret
//	answer.go  Answer: what came in place of an answer, and who wrote it
//	json.go    code and message of a refusal in JSON
//
// The order in Text is an invariant: first bytes that are not text go, then
// secrets are looked for, then the text is cut. A broken byte in the middle of a
// token does not hide the token, and a cut does not leave half of one.
package foreign
