// A list of thousands of rows of different heights, of which only those near the screen are in the page.

const BEYOND = 600; // pixels above and below the screen that are drawn as well

class VirtualList {
  /**
   * @param box the element that scrolls
   * @param build row -> its element
   * @param estimate row -> pixels that it will be high, before it is drawn
   */
  constructor(box, build, estimate) {
    Object.assign(this, { box, build, estimate, rows: [], tops: [0], heights: new Map(), drawn: new Map(), width: 0 });
    [this.above, this.holder, this.below] = ["div", "div", "div"].map((tag) =>
      box.appendChild(document.createElement(tag)),
    );
    box.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => {
      if (box.clientWidth !== this.width) this.heights.clear();
      this.width = box.clientWidth;
      this.place();
      this.draw();
    }).observe(box);
  }

  /** Show rows in place of those before; what changed about them is drawn anew. */
  show(rows) {
    this.rows = rows;
    for (const element of this.drawn.values()) element.remove();
    this.drawn.clear();
    this.place();
    this.draw();
  }

  /** Draw one row anew. */
  refresh(row) {
    this.drawn.get(row.key)?.remove();
    this.drawn.delete(row.key);
    this.draw();
  }

  elementOf(row) {
    return this.drawn.get(row.key);
  }

  /** Scroll as far as it takes for a row to be seen whole. */
  reveal(index) {
    const { box } = this;
    for (let pass = 0; pass < 3; pass += 1) {
      // Heights are known only once rows are drawn.
      if (this.tops[index] < box.scrollTop) box.scrollTop = this.tops[index];
      else if (this.tops[index + 1] > box.scrollTop + box.clientHeight)
        box.scrollTop = Math.min(this.tops[index], this.tops[index + 1] - box.clientHeight);
      this.draw();
    }
  }

  place() {
    this.tops = [0];
    for (const row of this.rows) this.tops.push(this.tops.at(-1) + (this.heights.get(row.key) ?? this.estimate(row)));
  }

  indexAt(pixel) {
    let [low, high] = [0, Math.max(0, this.rows.length - 1)];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle] <= pixel) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  draw() {
    const { box } = this;
    const anchor = this.indexAt(box.scrollTop);
    const beyond = box.scrollTop - this.tops[anchor];
    for (let pass = 0; pass < 3; pass += 1) {
      const first = this.indexAt(box.scrollTop - BEYOND);
      const last = this.indexAt(box.scrollTop + box.clientHeight + BEYOND);
      this.fill(this.rows.slice(first, last + 1));
      this.above.style.height = `${this.tops[first]}px`;
      this.below.style.height = `${this.tops.at(-1) - (this.tops[last + 1] ?? 0)}px`;
      if (!this.measure()) return;
      // Rows turned out higher or lower than they were taken for: the one at the top of the screen stays there.
      this.place();
      this.above.style.height = `${this.tops[first]}px`;
      this.below.style.height = `${this.tops.at(-1) - (this.tops[last + 1] ?? 0)}px`;
      if (beyond > 0) box.scrollTop = this.tops[anchor] + beyond;
    }
  }

  /** Have these rows in the page, in order, and no others; those that are there already are left alone. */
  fill(rows) {
    const wanted = new Set(rows.map((row) => row.key));
    for (const [key, element] of this.drawn) {
      if (wanted.has(key)) continue;
      element.remove();
      this.drawn.delete(key);
    }
    let next = this.holder.firstChild;
    for (const row of rows) {
      const element = this.drawn.get(row.key);
      if (element && element === next) {
        next = next.nextSibling;
        continue;
      }
      const made = element ?? this.build(row);
      this.drawn.set(row.key, made);
      this.holder.insertBefore(made, next);
    }
  }

  /** Take the heights of the drawn rows; returns whether one was not as it was taken for. */
  measure() {
    let changed = false;
    for (const row of this.rows.length ? this.drawn.keys() : []) {
      const height = this.drawn.get(row).getBoundingClientRect().height;
      if (Math.abs((this.heights.get(row) ?? -1) - height) > 0.5) changed = true;
      this.heights.set(row, height);
    }
    return changed;
  }
}
