import { fault, note, warning, when } from './finding.ts'
import { pauseScopeWords } from '../input/pause-scope.ts'
import { spanWords } from '../../model/base/duration.ts'
import { CONFIG_REFUSED, brokenWords } from '../../health.ts'
import type { Finding } from './finding.ts'
import type { HealthAnswer } from '../remote/answers.ts'
import type { RunFacts, ServerFacts, TokenFacts } from './facts.ts'

const RESTART = 'Restart it; if it comes back, its log says what happened before.'

/** The cure of each reason of health, by how the reason begins. */
const CURES: [RegExp, string][] = [
  [/^nothing has started/, 'Run: offpeak why <task>. `offpeak run <task>` starts a run at once.'],
  [/^the engine cannot be written/, 'Check the disk of the data folder: space, permissions, and its log.'],
  [/^the engine fails/, 'Check the disk of the data folder: space, permissions, and its log.'],
  [/^no work has been looked for/, RESTART],
  [/^the manager is/, 'It starts or stops: ask again in a minute.'],
  [/^io_stuck/, 'Repair or unmount the file system that does not answer.'],
  [/^\d+ schedules? fail/, 'Correct the schedule: `offpeak validate` and `offpeak preview <task>`.'],
  [/^a schedule is/, 'A function may block the event loop, or the clock was set: see `offpeak health`.'],
  [/event loop/, 'Give the task `isolation: thread`.'],
  [/of the database w/, 'Nothing has to be done: the rows were repaired. Check the memory and disk of the machine.']
]

const cureOf = (reason: string): string =>
  CURES.find(([pattern]) => pattern.test(reason))?.[1] ?? '`offpeak health` has the details.'

/** The reasons of health that no other check explains. */
function healthFindings ({ status, reasons, broken = [] }: HealthAnswer): Finding[] {
  const explained = [CONFIG_REFUSED, brokenWords(broken.length)]
  const level = status === 'failed' ? fault : warning
  return reasons.filter(reason => !explained.includes(reason)).map(reason => level('unhealthy', reason, cureOf(reason)))
}

const START = 'Run: offpeak start, or `offpeak service install` to start it with the machine.'

/** A server that is named and does not answer as one. */
const namedFindings = ({ url, answer }: ServerFacts): Finding[] => [
  answer === 'no'
    ? fault('server_unreachable', `No offpeak answers at ${url}.`,
      'Start it there, or name another with --url, --context, OFFPEAK_URL or OFFPEAK_CONTEXT. Without these, ' +
        '`offpeak doctor` checks this folder.')
    : fault('server_foreign', `${url} answers, but not as offpeak does.`,
      'Name the address of an offpeak, with the prefix if it has one.')
]

/** A server that does not answer. */
function absentFindings ({ url, answer, pid, alive, owner, used, port }: ServerFacts): Finding[] {
  const taken = port?.code === 'EADDRINUSE'
  const isOwned = owner !== null
  // Nothing tells a program that does not answer from another one but the process of the last server.
  if (answer === 'silent' && (alive || isOwned || !taken)) {
    return [
      fault('server_silent', `The server at ${url} accepts connections and does not answer.`,
        `A function may block its event loop: \`offpeak health\` names it.${pid === null ? '' : ` Its pid is ${pid}.`}`)
    ]
  }
  const program = port?.program ?? null
  return when([
    isOwned,
    fault('folder_owned', `The data folder is in use by ${owner}, which does not answer at ${url}.`,
      'Stop that process, or name its address with --url.')
  ], [
    answer === 'other' || taken,
    fault('port_taken',
      `${program === null ? 'Another program' : program.replace('process', 'Process')} listens on port ${
        port?.port ?? new URL(url).port
      } of ${port?.host ?? url}.`, 'Stop it, or set server.port in config.json to a free port.')
  ], [
    port !== null && port.code !== null && !taken,
    fault('port_refused', `Port ${port?.port} of ${port?.host} cannot be used (${port?.code}).`,
      'Set server.port to 1024 or more, and server.host to an address of this machine.')
  ], [
    !isOwned && pid !== null && !alive,
    warning('server_died', `The last server (pid ${pid}) ended without a clean stop.`,
      'If it was not killed on purpose, see its log and that of the kernel (`journalctl -k` names processes that ran ' +
        'out of memory).')
  ], [
    !isOwned && answer === 'no',
    (used ? warning : note)('server_stopped', 'No server is running: nothing is scheduled.', START)
  ])
}

/** Whether the server runs and is healthy. */
export function serverFindings (facts: ServerFacts): Finding[] {
  const { url, answer, configured, health } = facts
  if (facts.named && (answer === 'no' || answer === 'other')) return namedFindings(facts)
  if (answer !== 'yes') return absentFindings(facts)
  const port = Number(new URL(url).port)
  return [
    ...when([
      configured !== null && configured !== 0 && configured !== port,
      warning('port_changed', `server.port is ${configured}, and the running server listens on ${port}.`,
        'The port changes with the next start. Restart offpeak.')
    ]),
    ...health === null ? [] : healthFindings(health)
  ]
}

const LESS = 'Without one the answers have no payloads, results and logs, and nothing can be changed.'

/** Whether commands have a token that the server accepts. */
export function tokenFindings ({ file, state, accepted, used, expired }: TokenFacts): Finding[] {
  return when([
    state === 'unreadable',
    warning('token_unreadable', `The token file ${file} cannot be read by this user. ${LESS}`,
      'Run the command as the user of offpeak, or set OFFPEAK_TOKEN: `offpeak token create` makes one.')
  ], [
    state === 'missing' && used,
    warning('token_missing', `There is no token file ${file}. ${LESS}`,
      'Restart offpeak, which creates it, or correct server.token_file.')
  ], [
    state === 'short',
    fault('token_short', `The token in ${file ?? 'OFFPEAK_TOKEN'} has fewer than 16 letters and digits, or spaces.`,
      'Write a longer one: offpeak does not start with it.')
  ], [
    accepted === false,
    fault('token_refused', `The server refuses the token in ${file ?? 'OFFPEAK_TOKEN'}.`,
      'It was changed while the server runs, or is of another server: restart offpeak, or unset OFFPEAK_TOKEN.')
  ], [
    expired.length > 0,
    note('token_expired', `Expired tokens: ${expired.join(', ')}.`, 'Run: offpeak token revoke <name>')
  ])
}

/** Runs that wait although nothing runs, and pauses. `hasServer`: a server answers, whose health tells the former. */
export function runFindings (
  { now, due, oldestDue, lastStart, spanMs, pauses }: RunFacts,
  hasServer: boolean
): Finding[] {
  const since = Math.max(oldestDue ?? now, lastStart ?? 0)
  return [
    ...when([
      !hasServer && due > 0 && spanMs > 0 && now - since >= spanMs,
      warning('nothing_started',
        `Nothing has started for ${spanWords(now - since)} although ${due === 1 ? 'a run is' : `${due} runs are`} due.`,
        'Start the server: it starts them, or `offpeak why <run>` says why not.')
    ]),
    ...pauses.map(({ scope, name, at, until, by, reason }) =>
      (scope === 'all' ? warning : note)('paused',
        `${scope === 'all' ? 'Everything' : `The ${scope} '${name}'`} is paused since ${at} by ${by}${
          until === null ? '' : `, until ${until}`
        }${reason === null ? '' : `: ${reason}`}.`, `Run: offpeak resume ${pauseScopeWords({ scope, name })}`)
    )
  ]
}
