# SPDX-License-Identifier: ISC
# Completion of ddns-muxctl for bash.

_ddns_muxctl_targets()
{
	ddns-muxctl "$@" targets 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_ddns_muxctl()
{
	local word=${COMP_WORDS[COMP_CWORD]} command='' i words=''
	local -a socket=()

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s)
			((i++))
			socket=(-s "${COMP_WORDS[i]}")
			;;
		-*) ;;
		*)
			command=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	if [[ ${COMP_WORDS[COMP_CWORD - 1]} == -s ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
	fi
	case $command in
	'')
		words='status targets stats watch probe disable enable
		    log-level reload genkey -s -V --json --prometheus --reset-view'
		;;
	disable | enable | probe)
		((COMP_CWORD == i + 1)) &&
		    words=$(_ddns_muxctl_targets "${socket[@]}")
		;;
	log-level)
		((COMP_CWORD == i + 1)) &&
		    words='error warning notice info debug'
		;;
	genkey)
		((COMP_CWORD == i + 2)) &&
		    words='hmac-sha256 hmac-sha384 hmac-sha512 hmac-sha224'
		;;
	status | targets | watch) words=--json ;;
	stats) words='--json --prometheus --reset-view' ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _ddns_muxctl ddns-muxctl
