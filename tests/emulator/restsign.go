package emulator

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxSigned is the most URLs that one request may ask for.
const maxSigned = 1000

// failURLToken is the refusal of a URL whose token is not good.
func failURLToken(message string) *failure {
	return &failure{http.StatusBadRequest, "InvalidJWT", message, "InvalidJWT"}
}

var (
	failURLSignature = &failure{http.StatusBadRequest, "InvalidSignature", "Invalid signature", "InvalidSignature"}
	failNoURLToken   = failInvalidRequest("querystring must have required property 'token'")
)

// notSigned is what the server says of a key that gets no URL.
const notSigned = "Either the object does not exist or you do not have access to it"

// restSignMany answers POST of /object/sign/{bucket}: a URL for each key in the body
// that the caller may read.
func (x *exchange) restSignMany() error {
	seconds, keys, err := x.readSigning()
	if err != nil {
		return err
	}
	if err := x.authenticate(); err != nil {
		return err
	}
	b, found := x.s.store.bucket(x.req.Bucket)
	var j jsonWriter
	j.raw("[")
	for i, key := range keys {
		j.comma(i)
		var r *row
		if found && x.mayRead(x.req.Bucket)(key) {
			if r, err = b.get(key); err != nil {
				return err
			}
		}
		if r == nil {
			j.field("{", "error", notSigned)
			j.field(",", "path", key)
			j.raw(`,"signedURL":null}`)
			continue
		}
		j.raw(`{"error":null`)
		j.field(",", "path", key)
		j.field(",", "signedURL", x.signedURL(key, seconds))
		j.raw("}")
	}
	j.raw("]")
	x.sendJSON(http.StatusOK, j.buf)
	return nil
}

// signedURL is relative to the REST API, and its path is not escaped.
func (x *exchange) signedURL(key string, seconds int64) string {
	now := x.s.clock().Unix()
	var claims jsonWriter
	claims.field("{", "url", x.req.Bucket+"/"+key)
	claims.field(",", "scope", "download")
	claims.raw(`,"iat":` + strconv.FormatInt(now, 10) + `,"exp":` + strconv.FormatInt(now+seconds, 10) + "}")
	signing := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims.buf)
	sig := hmacSHA256(x.s.project.load().jwtSecret, signing)
	return "/object/sign/" + x.req.Bucket + "/" + key + "?token=" + signing + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// readSigning reads the body as the server's validator does.
func (x *exchange) readSigning() (seconds int64, keys []string, err error) {
	var doc any
	if len(x.req.Body) > 0 && json.Unmarshal(x.req.Body, &doc) != nil {
		return 0, nil, failBodyJSON
	}
	fields, ok := doc.(map[string]any)
	if !ok {
		return 0, nil, failInvalidRequest("body must be object")
	}
	for _, name := range []string{"expiresIn", "paths"} {
		if _, found := fields[name]; !found {
			return 0, nil, failInvalidRequest("body must have required property '" + name + "'")
		}
	}
	n, ok := coerceInteger(fields["expiresIn"])
	switch {
	case !ok:
		return 0, nil, failInvalidRequest("body/expiresIn must be integer")
	case n < 1:
		return 0, nil, failInvalidRequest("body/expiresIn must be >= 1")
	}
	list, ok := fields["paths"].([]any)
	switch {
	case !ok:
		return 0, nil, failInvalidRequest("body/paths must be array")
	case len(list) == 0:
		return 0, nil, failInvalidRequest("body/paths must NOT have fewer than 1 items")
	case len(list) > maxSigned:
		return 0, nil, failInvalidRequest("body/paths must NOT have more than 1000 items")
	}
	for i, v := range list {
		key, ok := coerceString(v)
		if !ok {
			return 0, nil, failInvalidRequest("body/paths/" + strconv.Itoa(i) + " must be string")
		}
		keys = append(keys, key)
	}
	return int64(n), keys, nil
}

// restSigned answers GET of /object/sign/{bucket}/{key}: the token alone opens
// the object.
func (x *exchange) restSigned() error {
	if !x.req.Query.Has("token") {
		return failNoURLToken
	}
	claims, err := x.s.project.load().parseToken(x.req.Query.Get("token"))
	if err != nil {
		f := &failure{}
		errors.As(err, &f)
		return failURLToken(f.message)
	}
	exp, _ := claims["exp"].(float64)
	if exp <= float64(x.s.clock().UnixMilli())/1000 {
		return failURLToken(`"exp" claim timestamp check failed`)
	}
	if claims["url"] != x.req.Bucket+"/"+x.req.Key {
		return failURLSignature
	}
	b, err := x.bucket()
	if err != nil {
		return err
	}
	r, err := b.get(x.req.Key)
	switch {
	case err != nil:
		return err
	case r == nil:
		return failNoKey
	case r.content == nil:
		return x.restMissingBlob()
	}
	x.restHeader(r)
	x.w.Header().Del("Cache-Control")
	x.w.Header().Set("Expires", time.Unix(int64(exp), 0).UTC().Format(http.TimeFormat))
	since, _ := modifiedSince(x.r.Header)
	return x.sendObject(r, since)
}

// routeSign reads a path of a signed URL, or of a request for some.
func (x *exchange) routeSign(path string) bool {
	rest, ok := strings.CutPrefix(path, "sign/")
	if !ok {
		return false
	}
	hasKey := strings.Contains(rest, "/")
	switch {
	case hasKey && x.r.Method == http.MethodGet:
		x.req.Op, x.access = OpRESTSigned, publicOnly
	case !hasKey && x.r.Method == http.MethodPost:
		x.req.Op, x.access = OpRESTSignMany, needsHeader
	default:
		return false
	}
	x.split(rest)
	return true
}
