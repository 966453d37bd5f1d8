package management

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
)

// rows is a list of which a row that is not of the expected form spoils no other: what
// fits of it is kept.
type rows[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (r *rows[T]) UnmarshalJSON(doc []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(doc, &raw); err != nil {
		return err
	}
	*r = make([]T, len(raw))
	for i, row := range raw {
		_ = json.Unmarshal(row, &(*r)[i]) // its syntax is right, since that of the list is
	}
	return nil
}

// PageSize is how many projects of an organization come at a time: the most that the
// API gives.
const PageSize = 100

// Page is one page of the projects of an organization.
type Page struct {
	Projects []Project
	// Count is how many projects there are in all, -1 where the API does not say.
	Count int
}

// Organization asks for the projects of an organization, from the one at the offset
// on, oldest first: so a project that is made while they are asked for comes last.
func (c *Client) Organization(ctx context.Context, token, slug string, offset int) (Page, error) {
	var answer struct {
		Projects   rows[Project] `json:"projects"`
		Pagination struct {
			Count *int `json:"count"`
		} `json:"pagination"`
	}
	err := c.get(ctx, "asking the Management API for the projects of the organization", token, "/v1/organizations/"+url.PathEscape(slug)+"/projects", url.Values{
		"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(PageSize)}, "sort": {"created_asc"},
	}, &answer)
	page := Page{Projects: answer.Projects, Count: -1}
	if answer.Pagination.Count != nil {
		page.Count = *answer.Pagination.Count
	}
	cleanAll(page.Projects, token)
	return page, err
}

// Projects asks for all projects that the token may see.
func (c *Client) Projects(ctx context.Context, token string) ([]Project, error) {
	var list rows[Project]
	err := c.get(ctx, "asking the Management API for the projects", token, "/v1/projects", nil, &list)
	cleanAll(list, token)
	return list, err
}

func cleanAll(list []Project, token string) {
	for i := range list {
		list[i].clean(token)
	}
}

// Buckets asks for the names of a project's buckets, which takes no key of the
// project.
func (c *Client) Buckets(ctx context.Context, token, ref string) ([]string, error) {
	var list rows[struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}]
	err := c.get(ctx, "asking the Management API for the buckets", token, projectPath(ref)+"/storage/buckets", nil, &list)
	var names []string
	for _, b := range list {
		if b.ID == "" {
			b.ID = b.Name
		}
		names = append(names, b.ID)
	}
	return names, err
}
