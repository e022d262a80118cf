import type { Engine } from '../../core/engine/engine.ts'

/** A call of the engine and the functions in core that made it. */
export interface Site {
  call: string
  from: string
}

type Rule = (site: Site) => boolean

const FRAME =
  /at (?:async )?(?:(?<name>[^\s(]+) )?(?:\[as \w+\] )?\(?(?:file:\/\/)?[^\s)]*\/core\/(?<file>[\w/-]+)\.ts:\d+/

/** The two innermost frames in core outside the engine and the wrappers of its calls. */
function callerOf (stack: string): string {
  const frames = stack.split('\n').slice(1).flatMap(line => {
    const { file, name } = FRAME.exec(line)?.groups ?? {}
    return file === undefined ? [] : [{ file, name }]
  })
  const own = frames.filter(({ file }) =>
    !/^(engine\/|work\/upkeep\/engine-calls|work\/simulate\/clock|simulate\/test)/.test(file)
  )
  return own.slice(0, 2).map(({ file, name }) => `${file} ${(name ?? '').replace(/^\w+\./, '')}`.trim()).join(' < ')
}

/** An engine whose asynchronous calls can be made to fail. */
export function faulty (engine: Engine) {
  const seen = new Map<string, Site>()
  let rule: Rule | null = null
  let thrown = 0
  const wrap = (name: string, call: (...args: unknown[]) => unknown) => (...args: unknown[]) => {
    const site = { call: name, from: callerOf(new Error('where').stack ?? '') }
    // Calls by the test itself do not fail.
    if (site.from !== '' && rule?.(site)) {
      thrown++
      return Promise.reject(new Error(`${name} was broken on purpose`))
    }
    const answer = Reflect.apply(call, engine, args)
    if (answer instanceof Promise && site.from !== '') seen.set(`${site.call} ${site.from}`, site)
    return answer
  }
  const proxy = new Proxy(engine, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? wrap(String(name), value as (...args: unknown[]) => unknown) : value
    }
  })
  return {
    engine: proxy,
    /** The calls so far that can fail. */
    get sites (): Site[] {
      return [...seen.values()]
    },
    get thrown () {
      return thrown
    },
    /** Makes each call fail for which the rule returns true. */
    fail: (next: Rule) => {
      rule = next
    },
    heal: () => {
      rule = null
    }
  }
}
