import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { explanationWords } from '../../core/cli/command/why.ts'
import { createTestManager, explanationView } from '../../core/index.ts'
import type { Picture, Tone } from './draw.ts'

const TASK = 'copy_photos'
/** As in the README. */
const SCRIPT = `#!/bin/sh
# offpeak: schedule = 30 14 * * * ; deadline = 36h ; max_retries = 2
# offpeak: constraints.power = mains ; constraints.idle = 10m
echo 'copying'
`

function toneOf (line: string, index: number): Tone {
  if (index === 0 || line.startsWith('+')) return 'faint'
  if (line.startsWith('-')) return 'closed'
  return index === 1 || line.trim().startsWith('GATE') ? 'head' : 'plain'
}

/** `offpeak why` at 14:42 today, on a laptop that runs on battery since 14:05 and is in use: a run due at 14:30 is
 *  held. */
async function explain (root: string): Promise<string> {
  await mkdir(join(root, 'backgroundtask'))
  await writeFile(join(root, 'backgroundtask', `${TASK}.sh`), SCRIPT)
  const today = new Date().toISOString().slice(0, 11)
  const reading = { power: 'mains', battery: { level: 74, charging: false }, idle_seconds: 40 } as const
  const kit = await createTestManager({ at: `${today}12:00:00Z`, files: 'once', root, reading })
  try {
    await kit.advanceTo(`${today}14:05:00Z`)
    await kit.unplug(71)
    await kit.advanceTo(`${today}14:42:00Z`)
    return explanationWords(explanationView(await kit.why(TASK)), kit.clock.now())
  } finally {
    await kit.close()
  }
}

/** The picture of `offpeak why` for a run that is held. */
export async function whyPicture (): Promise<Picture> {
  const root = await mkdtemp(join(tmpdir(), 'offpeak-picture-'))
  try {
    const lines = [`$ offpeak why ${TASK}`, ...(await explain(root)).split('\n')]
    return { label: 'The output of offpeak why', lines, toneOf }
  } finally {
    await rm(root, { recursive: true })
  }
}
