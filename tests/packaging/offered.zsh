# Prints what zsh itself offers for the last word of a command line: offered.zsh DIRECTORY LINE
#
# A real interactive shell completes in a terminal of its own, with the functions of DIRECTORY; compadd, through which
# every match goes, notes them.
zmodload zsh/zpty
zpty shell 'zsh -f -i'
zpty -w shell 'PS1=; stty -echo; fpath=('${(q)1}' $fpath); autoload -Uz compinit; compinit -u -D
offer() {
    compadd() {
        local -a matches
        [[ " $* " == *" -"[OAD]" "* ]] || { builtin compadd -A matches "$@"; offered+=($matches) }
        builtin compadd "$@"
    }
    offered=()
    _main_complete
    print -lr -- BEGIN $offered END
    compstate[insert]= compstate[list]=
    unfunction compadd
}
zle -C offer list-choices offer; bindkey "^I" offer; print RE""ADY'
while zpty -r shell line; do
    [[ $line == *READY* ]] && break
done
zpty -w -n shell "$2"$'\t'
while zpty -r shell line; do
    line=${line//[$'\r\n']/}
    [[ $line == *END* ]] && break
    [[ -n $began ]] && print -r -- $line
    [[ $line == *BEGIN* ]] && began=1
done
zpty -d shell
