/** What a service starts: a Node, a program and the folder of the configuration. `options`: the further options of the
 *  start. `user`: the account of a service of the whole machine. */
interface ServiceAsk {
  node: string
  program: string
  config: string
  options: readonly string[]
  folder: string
  home: string
  user: string | null
}

const wordsOf = (
  { node, program, config, options }: ServiceAsk
): string[] => [node, program, 'start', '--config', config, ...options]

/** Quotes a word of `Exec…=`; specifiers and variables are taken as they are. */
const unitWord = (word: string): string => {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w@+=:,./%$-]+$/.test(plain) ? plain : `"${plain.replaceAll(/["\\]/g, sign => `\\${sign}`)}"`
}

/** The unit of systemd: for the user, or with `user` for the whole machine. */
export function systemdUnit (ask: ServiceAsk): string {
  const { folder, user } = ask
  return `[Unit]
Description=offpeak background tasks
After=network-online.target time-sync.target

[Service]
Type=exec
${user === null ? '' : `User=${user}\n`}WorkingDirectory=${folder.replaceAll('%', '%%')}
ExecStart=${wordsOf(ask).map(unitWord).join(' ')}
ExecReload=/bin/kill -HUP $MAINPID
# TERM goes to offpeak alone, which ends its runs in order.
KillMode=mixed
# Longer than manager.stop_grace and what follows it.
TimeoutStopSec=60
Restart=on-failure
RestartSec=5
# The configuration is at fault: starting again would not mend it.
RestartPreventExitStatus=78
UMask=0077
NoNewPrivileges=yes
# Tasks give way to the users of the machine.
Nice=10
IOSchedulingClass=idle

[Install]
WantedBy=${user === null ? 'default.target' : 'multi-user.target'}
`
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

export const LABEL = 'io.offpeak'

/** The agent of launchd for the user. */
export function launchdAgent (ask: ServiceAsk): string {
  const { folder, home } = ask
  const words = wordsOf(ask).map(word => `    <string>${escaped(word)}</string>`)
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${words.join('\n')}
  </array>
  <key>WorkingDirectory</key>
  <string>${escaped(folder)}</string>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ExitTimeOut</key>
  <integer>60</integer>
  <key>LowPriorityIO</key>
  <true/>
  <key>StandardErrorPath</key>
  <string>${escaped(`${home}/Library/Logs/offpeak.log`)}</string>
  <key>StandardOutPath</key>
  <string>${escaped(`${home}/Library/Logs/offpeak.log`)}</string>
</dict>
</plist>
`
}
