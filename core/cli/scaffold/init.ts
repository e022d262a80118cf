import { stat } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import { quoted } from '../../load/file/exposures.ts'
import { plain, print, printJson } from '../terminal/output.ts'
import type { NewFile } from './write-missing.ts'
import { dependencyOn, productFolder, programName } from './product.ts'
import { configJson, gitignore, helloSh, helloTs, packageJson, tsconfigJson } from './templates.ts'
import { writeMissing } from './write-missing.ts'

export interface InitOptions {
  json?: boolean
}

/** A name that npm accepts for a package. */
const packageName = (folder: string): string =>
  basename(folder).toLowerCase().replaceAll(/[^a-z0-9._-]+/g, '-').replace(/^[._-]+/, '') || 'tasks'

const filesIn = (folder: string): NewFile[] => [
  { path: 'config.json', text: configJson },
  { path: 'backgroundtask/hello.ts', text: helloTs },
  { path: 'backgroundtask/hello.sh', text: helloSh, executable: true },
  { path: 'package.json', text: packageJson({ name: packageName(folder), dependency: dependencyOn() }) },
  { path: 'tsconfig.json', text: tsconfigJson },
  { path: '.gitignore', text: gitignore }
]

async function checkFolder (folder: string): Promise<void> {
  const stats = await stat(folder).catch(() => null)
  if (stats?.isDirectory() === false) {
    throw usageInvalid(`${folder} is a file`, 'Name a folder; one that does not exist is created.')
  }
  if (folder === productFolder()) {
    throw usageInvalid(`${folder} is the folder of offpeak itself`,
      'Name a folder of your own, such as `offpeak init ~/tasks`.')
  }
}

const list = (names: readonly string[]) => names.map(name => `  ${name}`).join('\n')

function say (folder: string, written: readonly string[], kept: readonly string[]): void {
  const program = programName()
  const step = relative(process.cwd(), folder)
  const change = step === '' ? '' : `cd ${/^[\w./-]+$/.test(step) ? step : quoted(step)} && `
  const lines = [
    ...written.length > 0 ? [`Written in ${folder}:`, list(written)] : [`Nothing is missing in ${folder}.`],
    ...kept.length > 0 ? ['Kept, because they exist:', list(kept)] : [],
    'Next:',
    `  ${change}${program} start`,
    `  ${program} run hello --wait`
  ]
  for (const line of lines) print(plain(line))
}

/** Writes the files of a new folder that are missing, and says what to do next. Overwrites nothing. */
export async function init (given: string | undefined, { json }: InitOptions): Promise<void> {
  const folder = resolve(given ?? '.')
  await checkFolder(folder)
  const [written, kept]: [string[], string[]] = [[], []]
  for (const file of filesIn(folder)) {
    const isWritten = await writeMissing({ ...file, path: join(folder, file.path) })
    ;(isWritten ? written : kept).push(file.path)
  }
  if (json) return printJson({ folder, written, kept })
  say(folder, written, kept)
}
