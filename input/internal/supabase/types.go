package supabase

import (
	"maps"
	"slices"
	"strings"
)

// The values of CredentialSettings.Type.
const (
	TypeAccessKey    = "access_key"
	TypeSecretKey    = "secret_key"
	TypeSessionToken = "session_token"
	TypeUser         = "user"
	TypeAccessToken  = "access_token"
)

// Types are all types of credentials.
var Types = []string{TypeAccessKey, TypeSecretKey, TypeSessionToken, TypeUser, TypeAccessToken}

const (
	fieldType        = "credentials.type"
	fieldKeyID       = "credentials.access_key_id"
	fieldSecret      = "credentials.secret_access_key"
	fieldSecretKey   = "credentials.secret_key"
	fieldPublishable = "credentials.publishable_key"
	fieldAnonKey     = "credentials.anon_key"
	fieldServiceKey  = "credentials.service_role_key"
	fieldUserToken   = "credentials.user_token"
	fieldEmail       = "credentials.email"
	fieldPassword    = "credentials.password"
	fieldAuthURL     = "credentials.auth_url"
	fieldAccessToken = "credentials.access_token"
	fieldAPIURL      = "credentials.api_url"
)

// fieldsOf are the fields that each type of credentials uses.
var fieldsOf = map[string][]string{
	TypeAccessKey:    {fieldKeyID, fieldSecret},
	TypeSecretKey:    {fieldSecretKey},
	TypeSessionToken: {fieldAnonKey, fieldPublishable, fieldServiceKey, fieldUserToken},
	TypeUser:         {fieldAnonKey, fieldPublishable, fieldEmail, fieldPassword, fieldAuthURL},
	TypeAccessToken:  {fieldAccessToken, fieldAPIURL},
}

// fieldOrder is the order in which a user meets the fields.
var fieldOrder = []string{
	"project_ref", "endpoint", "region", fieldType, fieldKeyID, fieldSecret, fieldSecretKey, fieldPublishable, fieldAnonKey,
	fieldServiceKey, fieldUserToken, fieldEmail, fieldPassword, fieldAccessToken, fieldAuthURL, fieldAPIURL,
}

func rank(field string) int { return slices.Index(fieldOrder, strings.TrimSuffix(field, FileSuffix)) }

// value is where a field of the credentials is kept; nil for one that is none.
func (c *CredentialSettings) value(field string) *string {
	switch field {
	case fieldKeyID:
		return &c.AccessKeyID
	case fieldSecret:
		return &c.SecretAccessKey
	case fieldSecretKey:
		return &c.SecretKey
	case fieldPublishable:
		return &c.PublishableKey
	case fieldAnonKey:
		return &c.AnonKey
	case fieldServiceKey:
		return &c.ServiceRoleKey
	case fieldUserToken:
		return &c.UserToken
	case fieldEmail:
		return &c.Email
	case fieldPassword:
		return &c.Password
	case fieldAuthURL:
		return &c.AuthURL
	case fieldAccessToken:
		return &c.AccessToken
	case fieldAPIURL:
		return &c.APIURL
	}
	return nil
}

// given reports whether any of the fields has a value, or a file that holds it.
func (c *CredentialSettings) given(fields ...string) bool {
	return slices.ContainsFunc(fields, func(field string) bool { return *c.value(field) != "" || c.Files[field] != "" })
}

// checkType finds fields of another type of credentials. It reports whether
// the fields of the own type are worth a look.
func (p *Project) checkType(problems *Problems) bool {
	c := &p.auth
	own, ok := fieldsOf[c.Type]
	if !ok {
		problems.add(fieldType, "is not one of "+strings.Join(Types, ", "),
			"write "+TypeAccessKey+" for S3 access keys, "+TypeSecretKey+" for a secret API key (sb_secret_...), "+TypeSessionToken+" for a service_role key or the token of a user, "+
				TypeUser+" for e-mail and password, "+TypeAccessToken+" for a personal access token")
		return false
	}
	if !c.given(own...) {
		if other := c.typeOfFields(); other != "" {
			problems.add(fieldType, "is "+c.Type+", but the keys are those of "+other, "write type: "+other)
			return false
		}
	}
	for _, field := range fieldOrder {
		if c.value(field) != nil && !slices.Contains(own, field) && c.given(field) {
			problems.add(c.name(field), "is not used by the type "+c.Type, "remove it, or write type: "+typeOf(field))
		}
	}
	return true
}

// typeOfFields is the type to which what is written belongs, empty where that
// can't be said. The anon key and the publishable key go with two of them.
func (c *CredentialSettings) typeOfFields() string {
	for _, t := range Types {
		own := slices.DeleteFunc(slices.Clone(fieldsOf[t]), func(field string) bool { return field == fieldAnonKey || field == fieldPublishable })
		if c.given(own...) {
			return t
		}
	}
	return ""
}

// typeOf is the first type that uses a field.
func typeOf(field string) string {
	i := slices.IndexFunc(Types, func(t string) bool { return slices.Contains(fieldsOf[t], field) })
	return Types[i]
}

// FileSuffix makes of the name of a field that of the field that names a file
// with its value.
const FileSuffix = "_file"

// checkFiles finds values that are given twice.
func (p *Project) checkFiles(problems *Problems) {
	c := &p.auth
	for _, field := range slices.Sorted(maps.Keys(c.Files)) {
		if c.Files[field] != "" && *c.value(field) != "" {
			problems.add(field+FileSuffix, "is set together with "+field, "keep one of them")
		}
	}
}

// HasFiles reports whether values are to be read from files, by Read.
func (s Settings) HasFiles() bool { return len(s.Credentials.Files) > 0 }

// Read returns the settings with the values of all files that are named, as
// read returns them; the line break at the end of a file is not part of its
// value. An error of read is returned as a [FieldError].
func (s Settings) Read(read func(path string) ([]byte, error)) (Settings, error) {
	files := s.Credentials.Files
	s.Credentials.Files, s.Credentials.fromFile = nil, map[string]bool{}
	for _, field := range slices.Sorted(maps.Keys(files)) {
		if files[field] == "" {
			continue
		}
		text, err := read(files[field])
		if err != nil {
			return Settings{}, &FieldError{
				Field: field + FileSuffix, Problem: "the file can't be read",
				Remedy: "check that it is there, and that this process may read it", Err: err,
			}
		}
		value := strings.TrimRight(string(text), "\r\n")
		if value == "" {
			return Settings{}, &FieldError{Field: field + FileSuffix, Problem: "the file is empty", Remedy: "write the value into it, and nothing else"}
		}
		*s.Credentials.value(field) = value
		s.Credentials.fromFile[field] = true
	}
	return s, nil
}

// name is the field in which the user wrote the value of a field, or its file.
func (c *CredentialSettings) name(field string) string {
	if c.fromFile[field] || c.Files[field] != "" {
		return field + FileSuffix
	}
	return field
}
