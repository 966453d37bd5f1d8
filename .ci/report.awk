# Makes the JSON of "go test -json" readable: the result of each package, why
# tests were skipped, and everything that the build or a failed test printed.
# Writes "passed failed skipped", as numbers, into the file named by counts, and the
# packages and the tests that failed, one a line, into those named by packages and
# tests.

# text returns a string field of the current line, unescaped.
function text(name,    at, rest, out, escape) {
	at = index($0, "\"" name "\":\"")
	if (at == 0) return ""
	rest = substr($0, at + length(name) + 4)
	match(rest, /^([^"\\]|\\.)*/)
	rest = substr(rest, 1, RLENGTH)
	while ((at = index(rest, "\\")) > 0) {
		escape = substr(rest, at + 1, 1)
		out = out substr(rest, 1, at - 1)
		if (escape == "u") {
			out = out plain[substr(rest, at + 2, 4)]
			rest = substr(rest, at + 6)
			continue
		}
		if (escape == "n") out = out "\n"
		else if (escape == "t") out = out "\t"
		else if (escape != "r") out = out escape
		rest = substr(rest, at + 2)
	}
	return out rest
}

BEGIN { printf "" > packages; printf "" > tests }
BEGIN { plain["003c"] = "<"; plain["003e"] = ">"; plain["0026"] = "&" }

/"Action":"build-output"/ { printf "%s", text("Output"); next }

/"Action":"output"/ {
	package = text("Package")
	test = text("Test")
	if (test != "") printed[package, test] = printed[package, test] text("Output")
	else if ($0 !~ /"Output":"(PASS|testing: warning|\?  )/) printf "%s", text("Output")
	next
}

# The result of a package: whatever still runs in it ended with its process.
/"Action":"(pass|fail|skip)"/ && !/"Test":"/ {
	package = text("Package")
	for (key in printed) {
		if (index(key, package SUBSEP) != 1) continue
		printf "%s", printed[key]
		delete printed[key]
		ended["fail"]++
	}
	if (text("Action") == "fail") print package > packages
	next
}

/"Action":"(pass|fail|skip)"/ {
	package = text("Package")
	test = text("Test")
	action = text("Action")
	if (action != "pass") printf "%s", printed[package, test]
	delete printed[package, test]
	if (action == "fail" && test !~ /\//) print test " (" package ")" > tests
	ended[action]++
}

END { print ended["pass"] + 0, ended["fail"] + 0, ended["skip"] + 0 > counts }
