/** One thing that goes wrong, or one control: its id, what happens, and what holds then. */
export interface Scenario {
  id: string
  what: string
  holds: string
  open?: string
}

const ONE_PROCESS = 'does not apply yet: one process owns a data folder'
const NO_PAGE = 'does not apply yet: there is no page that a browser shows'

type Row = [what: string, holds: string, open?: string]

const numbered = (letter: string, rows: Row[]): Scenario[] =>
  rows.map(([what, holds, open], at) => ({
    id: `${letter}${String(at + 1).padStart(2, '0')}`,
    what,
    holds,
    ...open !== undefined && { open }
  }))

/** Faults, by number: crash and stop, store, clock, tasks, folder and config, load, HTTP, sensors. */
export const FAULTS: Scenario[] = numbered('F', [
  ['kill -9 at any point with runs in flight',
    'no acknowledged run is missing; runs in flight are queued again at the next start'],
  ['kill -9 again and again under the same run',
    'crashes are counted apart from failures and capped; a retry by hand resets the count'],
  ['kill -9 between claim, start, end, settle and event',
    'the same run_id is executed again; events follow from the rows'],
  ['SIGTERM with tasks that are short, that obey, ignore the signal or loop',
    'no new claims; a run that does not end in the grace is released or killed; exit 0'],
  ['SIGTERM twice, SIGINT, SIGHUP, closed input',
    'the second signal ends the process at once; SIGHUP reads config.json again'],
  ['a power cut at any point', 'every acknowledged run and result is there; the database is whole'],
  ['kill -9 while a child runs an endless loop', 'the child is ended before its run starts again; a reused pid is not'],
  ['the parent of a child ends', 'the child ends by itself'],
  ['a second process on the data folder', 'it is refused, and the owner is named'],
  ['the OOM killer', 'a child that dies of it fails its attempt; a server that dies of it is F01'],
  ['reboots faster than a run takes', 'progress is kept in checkpoints; other runs do not starve'],
  ['a crash in a migration, backup, sweep or config edit', 'the old or the new state, never half of one'],
  ['one of several servers dies', 'its runs are taken over', ONE_PROCESS],
  ['the store is away for a while', 'outcomes wait, and are written when it is back; health reports it'],
  ['a connection that swallows everything', 'polling takes over', ONE_PROCESS],
  ['the clock is set back', 'no fire twice, no lease lost, timeouts go on by elapsed time'],
  ['the clock jumps ahead, or starts at 1970',
    'no flood of missed fires, nothing is removed, schedules wait for a stable clock'],
  ['a schedule is planned twice, changed, deleted or added again', 'one run for each schedule and instant'],
  ['an event loop that is late', 'each instant fires once or is recorded as skipped'],
  ['freeze and suspend', 'missed fires are handled exactly as the policy says'],
  ['timers beyond 2^31 ms', 'nothing fires early'],
  ['daylight saving', 'a time in the gap fires once, one in the overlap once, and the preview agrees'],
  ['time zones that do not exist, aliases, offsets', 'the task is named as faulty; the others run'],
  ['an endless loop in a task', 'named in health; ended at its timeout when it is isolated; SIGTERM works'],
  ['a rejection or throw after the task returned', 'charged to its attempt or task; the server goes on'],
  ['exit, abort, a signal to itself, closed descriptors', 'the attempt fails with code or signal; the server goes on'],
  ['a promise that never settles', 'its timeout ends the attempt'],
  ['a task that ignores its signal, or returns after it', 'the late result is refused'],
  ['endless output, one endless line, binary, escapes', 'limited, marked as cut, one record on each line'],
  ['memory, timers, sockets and children that leak', 'children end with their attempt, temporary folders are removed'],
  ['results that are circular, huge, deep or hostile', 'stored as JSON or refused by path; the run ends'],
  ['anything at all thrown', 'the attempt fails with bounded text'],
  ['ids and parameters that aim at paths or prototypes', 'refused by one pattern'],
  ['task files with syntax errors, hanging or ending imports', 'named with their line; the rest runs'],
  ['the same id twice, renamed and deleted files', 'both files named; runs of a vanished task wait'],
  ['thousands of task files', 'the start takes seconds, lists are paged'],
  ['loops of links, FIFOs, devices, unreadable folders', 'neither followed nor waited for'],
  ['files saved in pieces, swap files, no watchers left', 'the last good version stays in force'],
  ['reload while a task runs, thousands of reloads', 'the attempt keeps its code; memory is bounded'],
  ['config.json half written, of wrong types, with loose modes', 'the last good one stays; the fault has its place'],
  ['a million queued, thousands due at once', 'claims stay fast, and the event loop is not blocked'],
  ['huge bodies', 'refused with 413'],
  ['deeply nested JSON', 'refused'],
  ['keys named __proto__ and constructor', 'refused or data; no prototype changes'],
  ['invalid UTF-8 in bodies, paths and headers', 'refused'],
  ['a full disk', 'new work is refused with 507, nothing acknowledged is lost, no restart is needed'],
  ['database moved, deleted, made read-only; a slow disk', 'detected within seconds; no more requests are accepted'],
  ['damage in database or write-ahead log', 'never served as healthy; a copy is kept, a restore works'],
  ['a foreign lock on the database', 'reads go on, writes answer 503, the event loop is not blocked'],
  ['event streams that nobody reads', 'each is limited and disconnected; the others go on'],
  ['a storm of reconnects, odd Last-Event-ID', 'a limited replay, or a reset'],
  ['slow and idle connections', 'timeouts and limits; the owner can connect'],
  ['a stop with open streams', 'it ends within seconds'],
  ['malformed HTTP', '4xx; the server goes on'],
  ['sensors that fail, hang or report nonsense', 'the value is unknown and reported; work goes on'],
  ['readings that alternate', 'no gate changes twice within a minute']
])

/** Controls, by number. */
export const CONTROLS: Scenario[] = numbered('S', [
  ['listening', '127.0.0.1; any other address only with a token of your own'],
  ['authentication', 'every write needs a token, and so does private data'],
  ['comparison of tokens', 'hashes in constant time'],
  ['secrets', 'created at the first start, none in the code'],
  ['guessing', 'is slowed down by address, and never locks out the right token'],
  ['browser sessions', 'cookies that scripts cannot read', NO_PAGE],
  ['tokens in URLs', 'are ignored'],
  ['writes from other sites', 'are refused'],
  ['names of the host', 'unknown ones are refused'],
  ['CORS', 'none'],
  ['headers', 'a strict content policy on every answer'],
  ['hostile text', 'is text wherever it is shown'],
  ['scopes', 'read, run and control; every route has one'],
  ['unknown members', 'are refused'],
  ['sizes', 'of bodies, payloads, nesting and keys are limited'],
  ['rates', 'queues have limits; a full one refuses'],
  ['connections', 'have timeouts and a limit'],
  ['patterns', 'from outside never run without limit on the event loop'],
  ['SQL', 'uses bound parameters only'],
  ['prototypes', 'cannot be reached by data'],
  ['shells', 'are not used; programs get lists of arguments'],
  ['environment of children', 'a short list'],
  ['paths', 'stay inside their root by realpath; the root itself is refused'],
  ['deleting', 'never through links, never across file systems'],
  ['mass deletion', 'dry run first, limited by share'],
  ['backups and rotation', 'are written under a temporary name, synced, compared and renamed'],
  ['archives', 'cannot leave the target, and are limited in size'],
  ['requests to other servers', 'addresses are resolved once, checked and pinned'],
  ['what is checked is what is requested', 'URL objects, not text parsed twice'],
  ['secrets of tasks', 'named, resolved at the attempt, redacted'],
  ['redaction', 'of keys and known values, before storage'],
  ['logs', 'one record on each line, control characters escaped'],
  ['audit', 'who changed what, from where'],
  ['errors sent to clients', 'contain no stack, path or SQL'],
  ['modes', '0600 and 0700; files that other users can change are refused'],
  ['discovery', 'code comes from the tasks folder only, never over HTTP'],
  ['root', 'is reported, with what to do'],
  ['forwarded headers', 'give no rights'],
  ['plain HTTP beyond loopback', 'needs a token and is reported'],
  ['the store of several servers', 'TLS, own role', ONE_PROCESS],
  ['liveness', 'answers ok and nothing else'],
  ['routes', 'all are documented'],
  ['dependencies', 'exact versions, known licences, no install scripts'],
  ['isolation', 'is not a sandbox, and the documentation says so'],
  ['backups', 'have the modes of the data']
])
