import { hash } from 'node:crypto'
import { pointerOf } from '../../model/base/check.ts'
import type { Config } from '../../model/config/config.ts'
import type { Place } from '../../model/errors/errors.ts'
import type { RawDefinition, TaskSource } from './assemble.ts'
import type { OffpeakError } from '../../model/errors/errors.ts'
import { taskFileBroken } from '../../model/errors/task-errors.ts'
import type { RefusedProgram } from './programs.ts'
import { CONFIG } from './source.ts'

/** What definitions in the configuration need. */
export interface CommandsAsk {
  config: Config
  /** The place of a setting; null when it was given in code. */
  placeOf?: ((pointer: string) => Place | null) | undefined
  /** The working directory of commands. */
  root?: string | undefined
  /** Programs that others can change, by their name in the command. */
  refused?: ReadonlyMap<string, RefusedProgram> | undefined
}

function refusal (id: string, line: number | undefined, refused: RefusedProgram | undefined): OffpeakError | undefined {
  if (refused === undefined) return undefined
  const { message, fix } = refused
  const pointer = pointerOf(['tasks', id, 'command', 0])
  return taskFileBroken({ file: CONFIG, line, pointer, message: `${message}: the task '${id}' is not loaded`, fix })
}

function rawOf (id: string, { config, placeOf, root, refused }: CommandsAsk): RawDefinition[] {
  const { command, ...fields } = config.tasks[id]!
  if (command === undefined) return []
  const pointer = pointerOf(['tasks', id])
  const lineOf = (at: string) => placeOf?.(pointer + at)?.line
  const line = lineOf('/command')
  return [{
    definition: { id, ...fields, args: [...command.slice(1), ...fields.args ?? []] },
    pointer,
    contentHash: hash('sha256', JSON.stringify(command)),
    script: { file: command[0]!, interpreter: undefined, cwd: root },
    refusal: refusal(id, line, refused?.get(command[0]!)),
    source: line === undefined ? CONFIG : `${CONFIG}:${line}`,
    placeOf: at => ({ file: CONFIG, line: lineOf(at) ?? line })
  }]
}

/** The tasks that `tasks.<id>.command` defines. */
export function commandSources (ask: CommandsAsk): TaskSource[] {
  const raws = Object.keys(ask.config.tasks).flatMap(id => rawOf(id, ask))
  return raws.length === 0 ? [] : [{ path: CONFIG, raws, fault: null }]
}
