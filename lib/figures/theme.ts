// The look of every figure: fonts, distances and colours.

/**
 * The look of every figure in one place: fonts in pixels, distances in pixels, colours.
 *
 * `series` are Okabe and Ito's colours, which people with any kind of colour vision can tell apart
 * (Okabe, Ito 2008, "Color universal design"); their yellow is left out: too pale for a line on white.
 */
export const theme = {
  font: "'DejaVu Sans', Verdana, sans-serif",
  size: { title: 16, heading: 13, label: 12, tick: 11 },
  margin: 16,
  gap: 12,
  color: {
    background: '#ffffff',
    text: '#1f2328',
    muted: '#57606a',
    axis: '#6e7781',
    grid: '#e6e9ec',
    empty: '#f3f4f6',
    weak: '#9fb6c6',
    right: '#007a5e',
    wrong: '#b3400e',
    series: ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#000000'],
  },
} as const;
