import { registerHooks } from 'node:module'
import '../../load/import/own-packages.ts'
import { taskFileBroken } from '../../model/errors/task-errors.ts'
import type { FunctionSource } from '../../model/task/isolation.ts'
import type { TaskFunction } from '../../model/task/task.ts'

type Definition = { id?: unknown, func?: unknown } | undefined

const texts = new Map<string, string>()

const isModule = (text: string) => /^\s*export\b/m.test(text)
const isTypeScript = (url: string) => /\.m?ts(\?|$)/.test(url)

// The checked text is executed, even if the file has changed or become unreadable since.
registerHooks({
  load (url, context, next) {
    const text = texts.get(url)
    if (text === undefined) return next(url, context)
    if (isModule(text)) {
      return { format: isTypeScript(url) ? 'module-typescript' : 'module', source: text, shortCircuit: true }
    }
    return { ...next(url, context), source: text }
  }
})

/** The function of a task, from the checked version of its file. Throws the errors of the import, and
 *  OFFPEAK_TASK_FILE_BROKEN when its exports have changed. */
export async function functionOf ({ url, text, pointer, id }: FunctionSource): Promise<TaskFunction> {
  texts.set(url, text)
  try {
    const exported = await import(url) as Record<string, unknown>
    const found = pointer.split('/').slice(1).reduce<unknown>(
      (inner, key) => (inner as Record<string, unknown> | undefined)?.[key],
      exported
    ) as Definition
    if (found?.id === id && typeof found.func === 'function') return found.func as TaskFunction
    throw taskFileBroken({
      file: url,
      pointer,
      message: `The task '${id}' has moved since its file was read: a file must export the same wherever it is imported`
    })
  } finally {
    texts.delete(url)
  }
}
