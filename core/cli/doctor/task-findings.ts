import { fault, note, warning, when } from './finding.ts'
import { onceSaid, placeWords } from '../../model/errors/errors.ts'
import type { ConfigFacts, TaskFacts } from './facts.ts'
import type { IgnoredFile } from '../local/lookalikes.ts'
import type { Fault } from '../local/validate.ts'
import type { Finding } from './finding.ts'

const placed = ({ message, ...place }: Fault): string => {
  const at = placeWords(place)
  const bare = place.file !== undefined && message.startsWith(`${place.file}: `)
    ? message.slice(place.file.length + 2)
    : message
  return at === '' || bare.includes(at) ? bare : `${at}: ${onceSaid(bare, place)}`
}

/** Whether the configuration is in force. */
export function configFindings ({ file, exists, faults, overlay }: ConfigFacts): Finding[] {
  return [
    ...faults.map(one =>
      fault('config_refused', placed(one),
        one.fix ?? 'Correct it. A running server keeps the last good configuration; `offpeak start` is refused.')
    ),
    ...when([
      !exists,
      note('config_missing', `There is no ${file}: the defaults are in force.`,
        'If there should be one, run the command in its folder, or name it with --config.')
    ], [
      overlay !== null,
      warning('config_overlay', `There is no ${overlay}, which OFFPEAK_ENV or --env names.`,
        'Correct the name, or create the file.')
    ])
  ]
}

/** What the tasks of a catalog lack: none, none enabled, none with a schedule. */
function emptiness ({ directory, count, enabled, scheduled, siblings }: TaskFacts): Finding[] {
  return when([
    count === 0,
    warning('tasks_none', `There are no tasks in ${directory}.`, siblings.length === 0
      ? 'Put a task file there.'
      : `Did you mean ${siblings[0]}? Set manager.tasks_directory in config.json, or move the files.`)
  ], [
    count > 0 && enabled === 0,
    warning('tasks_disabled', `None of the ${count} tasks is enabled.`, 'Run: offpeak enable <task>')
  ], [
    enabled > 0 && scheduled === 0,
    note('tasks_unscheduled', 'No enabled task has a schedule: runs start on request.',
      'Give a task a trigger, such as `0 3 * * *`.')
  ])
}

/** One note for all tasks that rest for the same reason. */
const listed = (ids: readonly string[]): string =>
  ids.length <= 5 ? ids.join(', ') : `${ids.slice(0, 5).join(', ')} and ${ids.length - 5} more`

/** Broken files, missing settings, and schedules that start nothing. */
export function taskFindings (facts: TaskFacts): Finding[] {
  const resting = Map.groupBy(facts.resting, ({ code }) => code)
  const disabled = resting.get('task_disabled') ?? []
  return [
    ...emptiness(facts),
    ...facts.faults.map(one =>
      fault('task_broken', placed(one), one.fix ?? 'Correct it; `offpeak validate` checks it.')
    ),
    ...facts.warnings.map(one =>
      warning(one.code === 'program_missing' ? one.code : 'task_unset', placed(one), one.fix ?? null)
    ),
    ...(resting.get('never_fires') ?? []).map(({ task, message }) =>
      warning('schedule_asleep', `${task}: ${message}.`,
        'Correct its trigger, or remove it; `offpeak preview` tries one.')
    ),
    ...when([
      disabled.length > 0 && facts.enabled > 0,
      note('tasks_off', `Disabled: ${listed(disabled.map(({ task }) => task))}.`, 'Run: offpeak enable <task>')
    ])
  ]
}

/** Files that are not read although they look like tasks. */
export const ignoredFindings = (files: readonly IgnoredFile[]): Finding[] =>
  files.map(({ path, message, fix, meant }) =>
    (meant ? note : warning)('file_ignored', `${path} is not a task: ${message}.`, fix)
  )
