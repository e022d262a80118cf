import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { LABEL, launchdAgent, systemdUnit } from './service-file.ts'
import { isInstalled } from '../../sense/source/exec.ts'
import { homeOptions } from '../local/home.ts'
import { plain, print, printNote } from '../terminal/output.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import { userName } from '../remote/find-server.ts'
import type { LocalOptions } from '../remote/options.ts'

export type ServiceOptions = LocalOptions & { system?: boolean, user?: string, print?: boolean }

const SYSTEM_FOLDER = '/etc/systemd/system'

/** A service: its file, its text, and the commands that start and stop it. */
interface Service {
  file: string
  text: string
  start: string[][]
  stop: string[][]
}

/** Throws OFFPEAK_USAGE_INVALID for a text that would end its line in the file of the service. */
function checkText (name: string, text: string): void {
  if (!/\p{Cc}/u.test(text)) return
  throw usageInvalid(`${name} is ${JSON.stringify(text.slice(0, 80))}: a control character cannot be in a service`,
    'Rename it.')
}

/** The options of `offpeak start` that the service was installed with. */
function startOptions ({ data, env }: ServiceOptions): string[] {
  return [
    ...data ? ['--data', resolve(data)] : [],
    ...env ? ['--env', env] : []
  ]
}

/** A name of an account as systemd accepts it, or its number. */
const ACCOUNT = /^(?:[a-zA-Z_][a-zA-Z0-9_-]{0,30}|\d{1,10})$/

/** The account of a service of the whole machine; null for a service of the user. Throws OFFPEAK_USAGE_INVALID. */
function accountOf ({ system, user }: ServiceOptions): string | null {
  if (!system) {
    if (user === undefined) return null
    throw usageInvalid('--user names the account of a service of the whole machine, and --system is missing',
      'Add --system, or leave out --user: the service then runs as you.')
  }
  const current = userName()
  const account = user ?? (ACCOUNT.test(current) ? current : String(process.getuid?.()))
  if (ACCOUNT.test(account)) return account
  throw usageInvalid(`--user is ${JSON.stringify(account.slice(0, 80))}: expected 1 to 31 of a-z, A-Z, 0-9, '_' and ` +
    "'-', a letter or '_' first, or the number of an account", 'Name an account; `id -u <name>` prints its number.')
}

/** The service for this machine. Throws OFFPEAK_USAGE_INVALID for a system without systemd and launchd. */
function serviceFor (given: ServiceOptions, platform = process.platform): Service {
  const { configFile } = homeOptions(given)
  const home = homedir()
  const ask = {
    node: process.execPath,
    program: resolve(process.argv[1]!),
    config: configFile!,
    options: startOptions(given),
    home,
    folder: dirname(configFile!),
    user: accountOf(given)
  }
  for (const [name, text] of [['The configuration', ask.config], ...ask.options.map(word => ['An option', word])]) {
    checkText(name!, text!)
  }
  if (platform === 'darwin' && !given.system) {
    const file = join(home, 'Library/LaunchAgents', `${LABEL}.plist`)
    return {
      file,
      text: launchdAgent(ask),
      start: [['launchctl', 'load', '-w', file]],
      stop: [['launchctl', 'unload', '-w', file]]
    }
  }
  if (platform !== 'linux') {
    throw usageInvalid(`Services of ${platform} are not supported${given.system ? ' with --system' : ''}`,
      'Let the service manager of the system run `offpeak start` in this folder.')
  }
  const systemctl = given.system ? ['systemctl'] : ['systemctl', '--user']
  return {
    file: join(given.system ? SYSTEM_FOLDER : join(home, '.config/systemd/user'), 'offpeak.service'),
    text: systemdUnit(ask),
    start: [[...systemctl, 'daemon-reload'], [...systemctl, 'enable', '--now', 'offpeak.service']],
    stop: [[...systemctl, 'disable', '--now', 'offpeak.service']]
  }
}

/** Runs commands of the system. Where a program is missing or fails, prints what to run by hand. */
async function control (commands: readonly string[][]): Promise<void> {
  for (const [index, [program, ...words]] of commands.entries()) {
    const failed = await isInstalled(program!)
      ? await promisify(execFile)(program!, words).then(() => null, (error: Error) => error.message.split('\n')[0]!)
      : `there is no ${program}`
    if (failed === null) continue
    process.exitCode = 1
    return printNote(
      plain(
        `offpeak: ${failed}. Run by hand:\n${commands.slice(index).map(command => `  ${command.join(' ')}`).join('\n')}`
      )
    )
  }
}

/** Writes the service, and starts it now and with the machine. */
export async function install (given: ServiceOptions): Promise<void> {
  const { file, text, start } = serviceFor(given)
  if (given.print) return print(`# ${file}\n${text.trimEnd()}`)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text, { mode: 0o644 })
  print(plain(`${file} is written`))
  await control(start)
}

/** Stops the service and removes its file. */
export async function remove (given: ServiceOptions): Promise<void> {
  const { file, stop } = serviceFor(given)
  if (given.print) return print([...stop.map(command => command.join(' ')), `rm ${file}`].join('\n'))
  if (!existsSync(file)) throw usageInvalid(`There is no service ${file}`, 'Nothing has to be removed.')
  await control(stop)
  await rm(file)
  print(plain(`${file} is removed`))
}
