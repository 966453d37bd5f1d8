// Package foreign is the one door for text that others wrote: servers,
// gateways, proxies, the names in a certificate. Such a text goes through here
// before it becomes part of an error, a log line or a line of `check`.
//
//	text.go    Text, Code, Key, Cause: valid UTF-8, no secret, one line, short
//	secret.go  what counts as a secret
//	answer.go  Answer: what came in place of an answer, and who wrote it
//	json.go    code and message of a refusal in JSON
//
// The order in Text is an invariant: it removes bytes that are not text, then
// secrets, and then cuts. A broken byte in the middle of a token does not hide the
// token, and a cut does not leave half of one.
package foreign
