import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cliPage } from './pages/cli.ts'
import { configPage } from './pages/config.ts'
import { noticesPage } from './pages/notices.ts'
import { reliabilityPage } from './pages/reliability.ts'
import { restPage } from './pages/rest.ts'
import { taskPage } from './pages/task.ts'

/** The pages that are made, by file name. */
export const PAGES: Record<string, () => string | Promise<string>> = {
  'cli.md': cliPage,
  'config.md': configPage,
  'notices.md': noticesPage,
  'rest.md': restPage,
  'task.md': taskPage,
  '../explanation/reliability.md': reliabilityPage
}

if (import.meta.main) {
  for (const [name, make] of Object.entries(PAGES)) {
    const file = join(import.meta.dirname, name)
    const text = await make()
    if (await readFile(file, 'utf8').catch(() => '') !== text) await writeFile(file, text)
  }
}
