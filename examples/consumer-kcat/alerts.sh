#!/bin/sh
# Prints each revision of a signal once, with kcat and awk: subject, revision and the alert's body.
# Headers are enough to tell revisions apart: `ce_subject` is the signal, `ce_sequence` its revision.
#
#   sh alerts.sh BROKERS [TOPIC] [more options of kcat, such as -e to stop at the end]
brokers=${1:?say BROKERS [TOPIC] [options of kcat]}
topic=${2:-voc.alerts.v1}
[ $# -ge 2 ] && shift 2 || shift
# -u: lines come out as they come in. Read committed: what an aborted turn wrote is not for us.
kcat -C -u -q -b "$brokers" -t "$topic" -o beginning -X isolation.level=read_committed -f '%h\t%s\n' "$@" |
  awk -F '\t' '
    function attribute(name) {
      return match("," $1, "," name "=[^,]*") ? substr("," $1, RSTART + length(name) + 2, RLENGTH - length(name) - 2) : ""
    }
    attribute("ce_type") ~ /^io\.auscult\.alert\.(raised|updated|resolved|retracted)\.v1$/ {
      revision = attribute("ce_subject") "\t" attribute("ce_sequence") + 0
      if (!seen[revision]++) { print revision "\t" $2; fflush() }
    }'
