import "./button.css";
import { type ButtonHTMLAttributes, forwardRef, type ReactNode } from "react";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** `primary` is the one thing to do on a screen, `danger` what cannot be undone, `plain` has no edge. */
  look?: "default" | "primary" | "danger" | "plain";
  small?: boolean;
  icon?: ReactNode;
  /** A key that does the same, shown beside the words. */
  hint?: string;
  busy?: boolean;
}

/** A button with words; an icon stands beside them, never instead. */
export const Button = forwardRef<HTMLButtonElement, ButtonProps>(function Button(
  { look = "default", small, icon, hint, busy, className, children, disabled, type = "button", ...rest },
  ref,
) {
  return (
    <button
      ref={ref}
      type={type}
      className={["button", small && "small", className].filter(Boolean).join(" ")}
      data-look={look}
      aria-busy={busy || undefined}
      disabled={disabled || busy}
      {...rest}
    >
      {icon}
      <span>{children}</span>
      {hint && <kbd>{hint}</kbd>}
    </button>
  );
});

export interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children"> {
  /** What it does, for screen readers and when one points at it. */
  label: string;
  icon: ReactNode;
}

/** A button that is an icon, for what is known everywhere: close, copy, more. */
export const IconButton = forwardRef<HTMLButtonElement, IconButtonProps>(function IconButton(
  { label, icon, className, type = "button", ...rest },
  ref,
) {
  return (
    <button
      ref={ref}
      type={type}
      className={["icon-button", className].filter(Boolean).join(" ")}
      aria-label={label}
      title={label}
      {...rest}
    >
      {icon}
    </button>
  );
});
