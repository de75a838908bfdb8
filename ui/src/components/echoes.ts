// Tells what comes from elsewhere from what was said here and comes back: by then one may have written on.

/** What was said and has not come back yet. */
export class Echoes {
  private waiting: string[] = [];

  said(text: string): void {
    this.waiting.push(text);
  }

  /** Return whether what came is none of it. Of what was said in a row, the last may be all that comes back. */
  isNews(text: string): boolean {
    const index = this.waiting.indexOf(text);
    this.waiting = index < 0 ? [] : this.waiting.slice(index + 1);
    return index < 0;
  }
}
