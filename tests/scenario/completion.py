# SPDX-License-Identifier: Apache-2.0
# Types into a real shell and tells what it makes of a tab. usage: completion.py SHELL SCRIPT, where
# SCRIPT is the completion to load; the current folder and the environment are completion.sh's.
import os
import pty
import re
import select
import struct
import sys
import fcntl
import termios
import time

shell, script = sys.argv[1:]
failed = False


class Session:
    """A shell on a terminal of its own, wide enough that no line is broken."""

    def __init__(self, command, setup):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 50, 250, 0, 0))
        self.type('\n'.join(setup) + '\necho rea""dy\n')
        self.until('ready\r?\n', 30)

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def until(self, pattern, seconds):
        """What the terminal shows until the pattern does; '' ends where it is quiet for so long."""
        shown, end = '', time.monotonic() + seconds
        while not (pattern and re.search(pattern, shown)) and time.monotonic() < end:
            if select.select([self.terminal], [], [], 0.05)[0]:
                try:
                    shown += os.read(self.terminal, 65536).decode(errors='replace')
                except OSError:
                    break
                if not pattern:
                    end = time.monotonic() + seconds
        return shown

    def complete(self, line):
        """The words on the line after a tab."""
        self.type('\x15' + line)
        self.until('', 0.2)
        self.type('\t')
        listed = self.until('', 0.7)
        self.type("\x01printf '{%s}' \x05\necho do\"\"ne\n")
        shown = self.until('done\r?\n', 10)
        words = re.findall(r'\{([^{}%]+)\}', re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', shown))
        return words, listed


def check(line, last, listed=()):
    """The last word becomes that; of several candidates these are shown."""
    global failed
    words, screen = session.complete(line)
    if last is not None and (not words or words[-1].rstrip('/') != last):
        print(f'{shell}: {line!r} became {words}, not {last!r}; shown: {screen!r}')
        failed = True
    for candidate in listed:
        if candidate not in screen:
            print(f'{shell}: {line!r} does not show {candidate!r}: {screen!r}')
            failed = True


if shell == 'bash':
    session = Session(['bash', '--norc', '--noprofile', '-i'],
                      ["bind 'set show-all-if-ambiguous on'", "bind 'set bell-style none'",
                       "bind 'set enable-bracketed-paste off'", "PS1='> '", f'. {script}'])
elif shell == 'zsh':
    session = Session(['zsh', '-f', '-i'],
                      ['bindkey -e', "PS1='> '", 'unsetopt beep zle_bracketed_paste prompt_sp',
                       'unset zle_bracketed_paste', f'fpath=({os.path.dirname(script)} $fpath)',
                       'autoload -U compinit', 'compinit -u -D'])
else:
    sys.exit(f'completion.py: no shell {shell}')

check('vagus heal', 'health')
check('vagus s', None, ['show', 'signals'])
check('vagus show --las', '--last')
check('vagus show --last 24', '24h')
check('vagus check --show-preset cont', 'container')
check('vagus check --show-preset=cont', '--show-preset=container')
check('vagus health -p de', 'demo')
check('vagus show -p demo memory.usa', 'memory.usage')
check('vagus show -p demo memory.', None, ['memory.usage', 'memory.headroom'])
check('vagus check policy', 'policy one.yaml')
check('vagus check policy\\ o', 'policy one.yaml')
check('vagus health --dir po', 'policies')
check('vagus help rep', 'replay')
os.close(session.terminal)
sys.exit(failed)
