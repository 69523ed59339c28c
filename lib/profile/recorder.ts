// The recorder of a profile, which collects spans of time.

import type { KernelCall } from './cost.ts';

/** The kind of a span: a step of the caller's loop, a phase of a step, a module of the model (`part`), a kernel of the backend. */
export type SpanKind = 'step' | 'phase' | 'part' | 'kernel';

/**
 * A span of time, in ms of `performance.now()`. Spans nest: each lies within its parent.
 *
 * @property name    for a kernel the name in tfjs's registry, for a part the name in the state dict (`blocks.3.attn`)
 * @property end     NaN while it lasts
 * @property parent  the span it lies in; undefined for an outermost one
 * @property call    the inputs, attributes and outputs of a kernel that did not throw
 */
export interface Span {
  readonly kind: SpanKind;
  readonly name: string;
  readonly start: number;
  end: number;
  readonly parent: Span | undefined;
  call?: KernelCall;
}

/** Records spans as they begin and end; at each moment one chain of spans is open. */
export class Recorder {
  /** All spans, in the order in which they began. */
  readonly spans: Span[] = [];
  private innermost: Span | undefined;

  /** The innermost open span. */
  get current(): Span | undefined {
    return this.innermost;
  }

  /** The innermost open span of a kind. */
  enclosing(kind: SpanKind): Span | undefined {
    return enclosing(this.innermost, kind);
  }

  begin(kind: SpanKind, name: string): Span {
    const span: Span = { kind, name, start: performance.now(), end: NaN, parent: this.innermost };
    this.spans.push(span);
    this.innermost = span;
    return span;
  }

  /** Ends a span, and with it whatever is still open inside; nothing if it has ended already. */
  end(span: Span): void {
    if (!Number.isNaN(span.end)) return;
    const now = performance.now();
    for (let open = this.innermost; open !== undefined; open = open.parent) {
      open.end = now;
      if (open !== span) continue;
      this.innermost = span.parent;
      return;
    }
  }

  /** Ends every open span. */
  endAll(): void {
    for (let open = this.innermost; open !== undefined; open = this.innermost) this.end(open);
  }

  /** Runs within a span; of an asynchronous run, until its promise is settled. */
  during<T>(kind: SpanKind, name: string, run: () => T): T {
    const span = this.begin(kind, name);
    let result: T;
    try {
      result = run();
    } catch (error) {
      this.end(span);
      throw error;
    }
    if (!(result instanceof Promise)) {
      this.end(span);
      return result;
    }
    return result.finally(() => this.end(span)) as T;
  }

  /** `during` a phase. Phases do not nest: inside another one it only runs. */
  phase<T>(name: string, run: () => T): T {
    return this.enclosing('phase') === undefined ? this.during('phase', name, run) : run();
  }
}

/** The span itself or the nearest around it that is of a kind. */
export function enclosing(span: Span | undefined, kind: SpanKind): Span | undefined {
  let at = span;
  while (at !== undefined && at.kind !== kind) at = at.parent;
  return at;
}
