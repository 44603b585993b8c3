/** One served route: the method and the path in the router's spelling, such as `/api/secrets/value/:uri`. */
export interface ServedRoute {
  readonly method: string;
  readonly path: string;
}

/** Which methods each address takes: collected from the routes that the framework registers, so that there is no second list. */
export class RouteTable {
  readonly #routes: { readonly method: string; readonly segments: readonly string[] }[] = [];
  readonly #methods = new Set<string>();

  add({ method, path }: ServedRoute): void {
    this.#routes.push({ method, segments: path.split('/') });
    this.#methods.add(method);
  }

  /** The methods that any route takes. */
  get methods(): ReadonlySet<string> {
    return this.#methods;
  }

  /** The methods that a raw path takes, in the order of registration; none when there is no such address. */
  allowed(path: string): readonly string[] {
    const segments = path.split('/');
    const fitting = this.#routes.filter((route) => fits(route.segments, segments));
    return [...new Set(fitting.map(({ method }) => method))];
  }
}

function fits(template: readonly string[], path: readonly string[]): boolean {
  return (
    template.length === path.length &&
    template.every((part, i) => (part.startsWith(':') ? path[i] !== '' : part === path[i]))
  );
}
